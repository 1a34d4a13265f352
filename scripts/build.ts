/**
 * Bundles the program for what is shipped, into dist/ (`npm run build`) or the directory that is named: a process that strips no types
 * and loads a few files instead of hundreds starts in half the time and in half the memory. Paths that
 * a file takes from its own place stay those of src/, beside which dist/ has to stand.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { basename, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, type Plugin } from 'esbuild'

// Of another copy of the project, where one is named: what it bundles then runs beside that one.
const root = resolve(process.argv[3] ?? fileURLToPath(new URL('..', import.meta.url)))
const directory = resolve(process.argv[2] ?? `${root}/dist`)

/** What runs as a process or a thread of its own. Each is bundled under the name of its file. */
const programs = [
  'main/blazon',
  'main/sidecar-worker',
  'controller/flows/flow-thread',
  'controller/documents/parse-thread',
]

const entryPoints = programs.map((program) => ({
  in: `${root}/src/${program}.ts`,
  out: basename(program),
}))

/** Where a file of the source names a program beside it, or uses its own place otherwise. */
const ownPlace = /new URL\('\.\/([\w-]+)\.ts', import\.meta\.url\)|import\.meta\.url/g

/** Bundled code runs from another file than it was written in; a program that it starts lies beside it. */
const placeOfSource: Plugin = {
  name: 'place-of-source',
  setup: (builder) => {
    builder.onLoad({ filter: /\/src\/.*\.ts$/ }, ({ path }) => {
      const place = JSON.stringify(relative(directory, path))
      const text = readFileSync(path, 'utf8')
      const contents = text.replaceAll(ownPlace, (former, program?: string) => {
        if (program === undefined) return `new URL(${place}, import.meta.url).href`
        const isBundled = entryPoints.some(({ out }) => out === program)
        return isBundled ? `new URL('./${program}.mjs', import.meta.url)` : former
      })
      return { contents, loader: 'ts' }
    })
  },
}

/** An import of node:http reads all that it exports, and loads a WebSocket client of a megabyte with it. */
const lightHttp: Plugin = {
  name: 'light-http',
  setup: (builder) => {
    builder.onResolve({ filter: /^node:http$/ }, ({ path }) => ({ path, namespace: 'light-http' }))
    builder.onLoad({ filter: /./, namespace: 'light-http' }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule(${JSON.stringify(path)})`,
    }))
  },
}

/** Names of shared parts change with what is in them. */
function removeFormer(): void {
  mkdirSync(directory, { recursive: true })
  for (const name of readdirSync(directory)) {
    if (/\.mjs(\.LEGAL\.txt)?$/.test(name)) rmSync(`${directory}/${name}`)
  }
}

removeFormer()
await build({
  entryPoints,
  outdir: directory,
  outExtension: { '.js': '.mjs' },
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node26',
  absWorkingDir: root,
  // Names stay, for stack traces.
  minifyWhitespace: true,
  minifySyntax: true,
  legalComments: 'linked',
  // Finds its native part by where it lies.
  external: ['koffi'],
  plugins: [placeOfSource, lightHttp],
  // CommonJS packages ask for Node's modules by `require`.
  banner: {
    js: "import{createRequire as requireFrom}from'node:module';const require=requireFrom(import.meta.url);",
  },
  logLevel: 'warning',
})
