// Finds programs, and installs what is missing when that can be done without asking:
//
//   node scripts/ensure-programs.mjs [--json] [--find-only] PROGRAM...
//
// As root on Debian (or a relative with apt-get) missing ones are installed; elsewhere the exact
// command to run is said, with exit code 1. --json prints { program: absolute path } on stdout.
import { parseArgs } from 'node:util'
import { aptInstall } from './lib/apt-install.mjs'
import { findProgram, packagesFor } from './lib/debian-programs.mjs'

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  process.exitCode = fail(error instanceof Error ? error.message : String(error))
}

async function main(args) {
  const { values, positionals: programs } = parseArgs({
    args,
    allowPositionals: true,
    options: { json: { type: 'boolean' }, 'find-only': { type: 'boolean' } },
  })
  if (programs.length === 0) return fail('expected at least one program name')

  const packages = packagesFor(missing(programs))
  if (packages.length > 0) {
    const command = `apt-get update && apt-get install -y --no-install-recommends ${packages.join(' ')}`
    const obstacle = whyNotInstall(values['find-only'] === true)
    if (obstacle !== undefined) {
      return fail(
        `missing: ${missing(programs).join(', ')} (${obstacle})`,
        `install with: ${command}`,
      )
    }
    process.stderr.write(
      `installing ${packages.join(', ')} (for ${missing(programs).join(', ')})\n`,
    )
    await aptInstall(packages)
  }

  const absent = missing(programs)
  if (absent.length > 0) return fail(`still missing after the installation: ${absent.join(', ')}`)
  if (values.json === true) {
    const found = Object.fromEntries(programs.map((name) => [name, findProgram(name)]))
    process.stdout.write(`${JSON.stringify(found)}\n`)
  }
  return 0
}

function missing(programs) {
  return programs.filter((name) => findProgram(name) === undefined)
}

function whyNotInstall(findOnly) {
  if (findOnly) return 'told not to install'
  if (findProgram('apt-get') === undefined) return 'this machine has no apt-get'
  if (process.getuid?.() !== 0) return 'only root may install'
  return undefined
}

function fail(message, hint) {
  process.stderr.write(`ensure-programs: error: ${message}\n`)
  if (hint !== undefined) process.stderr.write(`ensure-programs: hint: ${hint}\n`)
  return 1
}
