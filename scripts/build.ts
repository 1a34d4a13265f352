/**
 * Bundles the program for what is shipped, into dist/ (`npm run build`) or the directory that is named: a process that strips no types
 * and loads a few files instead of hundreds starts in half the time and in half the memory. Paths that
 * a file takes from its own place stay those of src/, beside which dist/ has to stand.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, type Plugin } from 'esbuild'

// Of another copy of the project, where one is named: what it bundles then runs beside that one.
const root = resolve(process.argv[3] ?? fileURLToPath(new URL('..', import.meta.url)))
const directory = resolve(process.argv[2] ?? `${root}/dist`)

/** Bundled code runs from another file than it was written in. */
const placeOfSource: Plugin = {
  name: 'place-of-source',
  setup: (builder) => {
    builder.onLoad({ filter: /\/src\/.*\.ts$/ }, ({ path }) => {
      const place = JSON.stringify(relative(directory, path))
      const text = readFileSync(path, 'utf8')
      return {
        contents: text.replaceAll('import.meta.url', `new URL(${place}, import.meta.url).href`),
        loader: 'ts',
      }
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

/** Names of parts change with what is in them. */
function removeFormer(): void {
  mkdirSync(directory, { recursive: true })
  for (const name of readdirSync(directory)) {
    if (/\.mjs(\.LEGAL\.txt)?$/.test(name)) rmSync(`${directory}/${name}`)
  }
}

removeFormer()
await build({
  entryPoints: [`${root}/src/main/blazon.ts`],
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
