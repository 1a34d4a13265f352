import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))

/**
 * Runs a file of mocha tests in a network namespace of its own, whose loopback has these addresses as
 * well, so that programs can be at addresses that are not loopback. Resolves to what mocha printed;
 * rejects with it where a test failed.
 */
export async function runInNamespace(
  file: string,
  addresses: readonly string[],
  signal: AbortSignal,
): Promise<string> {
  const setUp = ['ip link set lo up', ...addresses.map((each) => `ip addr add ${each} dev lo`)]
  const mocha = [process.execPath, `${root}node_modules/mocha/bin/mocha.js`]
  const run = [...mocha, '--no-config', '--no-package', '--reporter', 'spec', '--spec', file]
  const script = `${setUp.join(' && ')} && exec ${run.map((word) => `'${word}'`).join(' ')}`
  const child = spawn('unshare', ['--net', 'sh', '-c', script], { cwd: root, signal })
  const printed: Buffer[] = []
  child.stdout.on('data', (bytes: Buffer) => printed.push(bytes))
  child.stderr.on('data', (bytes: Buffer) => printed.push(bytes))
  const [code] = (await once(child, 'close')) as [number | null]
  const text = Buffer.concat(printed).toString()
  if (code !== 0)
    throw new Error(`expected all tests to pass, got exit code ${String(code)}\n${text}`)
  return text
}
