/**
 * Writes the JSON Schema of policy documents, for editors, from the shapes that read them; with
 * `--check` proves that what is committed is current.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { documentJsonSchemaText } from '../src/policy/index.ts'

const committed = fileURLToPath(new URL('../schema/blazon-policy.schema.json', import.meta.url))

function read(): string {
  try {
    return readFileSync(committed, 'utf8')
  } catch {
    // Absent is as stale as any other text.
    return ''
  }
}

const fresh = documentJsonSchemaText()
if (!process.argv.includes('--check')) {
  mkdirSync(dirname(committed), { recursive: true })
  writeFileSync(committed, fresh)
} else if (read() !== fresh) {
  console.error('error: schema/blazon-policy.schema.json is not what src/policy says')
  console.error('hint: node scripts/generate-schema.ts')
  process.exitCode = 1
}
