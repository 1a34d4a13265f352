/**
 * Generates the TypeScript types of proto/ into src/rpc/generated (`npm run generate`), or with
 * `--check` proves that what is committed is current.
 */
import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const committed = join(root, 'src/rpc/generated')
const files = ['enrolment', 'mesh', 'admin', 'tunnel'].map((name) => `blazon/v1/${name}.proto`)

function generate(into: string): void {
  execFileSync(
    process.execPath,
    [
      join(root, 'node_modules/@grpc/proto-loader/build/bin/proto-loader-gen-types.js'),
      ...['--longs=Number', '--enums=String', '--defaults', '--oneofs', '--grpcLib=@grpc/grpc-js'],
      ...['--importFileExtension=.ts', '--outDir', into, '-I', 'proto', '--'],
      ...files,
      'grpc/health/v1/health.proto',
      'grpc/reflection/v1/reflection.proto',
      'grpc/reflection/v1alpha/reflection.proto',
    ],
    { cwd: root },
  )
  // The per-file roots only describe dynamic loading, which src/rpc/index.ts does itself.
  for (const name of readdirSync(into)) if (name.endsWith('.ts')) rmSync(join(into, name))
}

function contents(directory: string): Map<string, string> {
  const names = readdirSync(directory, { recursive: true, encoding: 'utf8' })
  const texts = names.filter((name) => name.endsWith('.ts')).sort()
  return new Map(texts.map((name) => [name, readFileSync(join(directory, name), 'utf8')]))
}

const fresh = mkdtempSync(join(tmpdir(), 'blazon-generate-'))
try {
  generate(fresh)
  if (process.argv.includes('--check')) {
    const [want, have] = [contents(fresh), contents(committed)]
    const stale = [...new Set([...want.keys(), ...have.keys()])].filter(
      (name) => want.get(name) !== have.get(name),
    )
    if (stale.length > 0) {
      console.error(`error: src/rpc/generated is not what proto/ says: ${stale.join(', ')}`)
      console.error('hint: npm run generate')
      process.exitCode = 1
    }
  } else {
    rmSync(committed, { recursive: true, force: true })
    cpSync(fresh, committed, { recursive: true })
  }
} finally {
  rmSync(fresh, { recursive: true, force: true })
}
