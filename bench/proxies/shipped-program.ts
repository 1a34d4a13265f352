import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const build = fileURLToPath(new URL('../../scripts/build.ts', import.meta.url))
const directory = fileURLToPath(new URL('../../.cache/program', import.meta.url))
let isBuilt = false

/** The program as it is shipped: bundled from the source as it stands, once in a run. */
export function shippedProgram(): string {
  if (!isBuilt) execFileSync(process.execPath, [build, directory], { stdio: 'inherit' })
  isBuilt = true
  return `${directory}/blazon.mjs`
}
