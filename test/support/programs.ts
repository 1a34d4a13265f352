import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const script = fileURLToPath(new URL('../../scripts/ensure-programs.mjs', import.meta.url))

/** Absolute paths of real programs; those that are missing are installed where the machine allows it. */
export async function findPrograms<Name extends string>(
  ...names: readonly Name[]
): Promise<Readonly<Record<Name, string>>> {
  const { stdout } = await promisify(execFile)(process.execPath, [script, '--json', ...names])
  return JSON.parse(stdout) as Record<Name, string>
}
