import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'

const source = fileURLToPath(new URL('../../../src', import.meta.url))

/** Who may import whom: ARCHITECTURE.md's folder list. A folder may always import itself. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  base: [],
  rpc: ['base'],
  sys: ['base'],
  audit: ['base'],
  intercept: ['base'],
  identity: ['base'],
  policy: ['base', 'identity'],
  ca: ['base', 'rpc', 'identity', 'policy'],
  attest: ['base', 'rpc', 'identity', 'policy'],
  aws: ['base', 'rpc', 'identity', 'policy'],
  tunnel: ['base', 'rpc', 'sys', 'identity', 'policy'],
  controller: ['base', 'rpc', 'audit', 'identity', 'policy', 'ca', 'attest', 'aws'],
  sidecar: ['base', 'rpc', 'sys', 'identity', 'policy', 'attest', 'aws', 'tunnel'],
  enforcer: ['base', 'rpc', 'sys', 'identity', 'policy', 'attest', 'aws', 'tunnel'],
  cli: ['base', 'rpc', 'audit', 'intercept', 'identity', 'policy', 'attest'],
  demo: ['base', 'rpc', 'sys', 'identity', 'policy', 'attest', 'cli'],
}

/** Packages that a folder with a pure core may use; folders that are not listed may use any. */
const packages: Readonly<Record<string, readonly string[]>> = {
  base: ['ipaddr.js'],
  identity: [],
  policy: ['yaml', '@marcbachmann/cel-js'],
}

interface Import {
  readonly from: string
  readonly target: string
}

const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((name) =>
  name.endsWith('.ts'),
)

function importsOf(file: string): Import[] {
  const text = readFileSync(join(source, file), 'utf8')
  const pattern =
    /(?:^|\n)\s*(?:import|export)\b[^'"\n]*?(?:\{[^}]*\}[^'"\n]*?)?from '([^']+)'|import\('([^']+)'\)/g
  return [...text.matchAll(pattern)].map((match) => ({
    from: file,
    target: match[1] ?? match[2] ?? '',
  }))
}

const imports = files.flatMap(importsOf)
const folderOf = (file: string): string => file.split('/')[0] ?? ''
const targetFile = ({ from, target }: Import): string => join(dirname(from), target)

describe('imports of src/', () => {
  it('finds the files', () => {
    expect(files.length).to.be.greaterThan(10)
    expect(imports.length).to.be.greaterThan(10)
  })

  it('point only towards the pure end', () => {
    const forbidden = imports
      .filter(({ target }) => target.startsWith('.'))
      .filter((edge) => {
        const [from, to] = [folderOf(edge.from), folderOf(targetFile(edge))]
        return from !== 'main' && from !== to && allowed[from]?.includes(to) !== true
      })
    expect(forbidden.map(({ from, target }) => `${from} -> ${target}`)).to.deep.equal([])
  })

  it('keep the pure folders free of packages and of I/O', () => {
    const impure =
      /^node:(?:fs|net|tls|http|http2|https|dgram|dns|child_process|worker_threads|sqlite)/
    const offending = imports.filter(({ from, target }) => {
      const permitted = packages[folderOf(from)]
      if (permitted === undefined || target.startsWith('.')) return false
      if (target.startsWith('node:')) return target !== 'node:net' && impure.test(target)
      return !permitted.includes(target)
    })
    expect(offending.map(({ from, target }) => `${from} -> ${target}`)).to.deep.equal([])
  })

  it('have no cycle', () => {
    const edges = Map.groupBy(
      imports.filter(({ target }) => target.startsWith('.')),
      ({ from }) => from,
    )
    const done = new Set<string>()
    const visit = (file: string, path: readonly string[]): string | undefined => {
      if (path.includes(file)) return [...path.slice(path.indexOf(file)), file].join(' -> ')
      if (done.has(file)) return undefined
      for (const edge of edges.get(file) ?? []) {
        const cycle = visit(targetFile(edge), [...path, file])
        if (cycle !== undefined) return cycle
      }
      done.add(file)
      return undefined
    }
    expect(files.map((file) => visit(file, [])).find((cycle) => cycle !== undefined)).to.equal(
      undefined,
    )
  })
})
