import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { X509Certificate } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { hostPort, type HostPort } from '../../src/base/env.ts'
import { testTrustDomain } from './enrolment-client.ts'

const program = fileURLToPath(new URL('../../src/main/blazon.ts', import.meta.url))

/** A controller in a process of its own. */
export interface ControllerProcess {
  readonly address: HostPort
  readonly metricsAddress: HostPort
  readonly root: Buffer
  readonly secretFile: string
  /** Ends it with the signal; fulfils with its exit code, or null for a signal that it did not handle. */
  end(signal: NodeJS.Signals): Promise<number | null>
}

/**
 * Starts `blazon controller` on a directory and waits until it says that it has started. `within` are
 * words before the command, such as those that make it run in a network namespace.
 */
export async function startControllerProcess(
  directory: string,
  environment: Readonly<Record<string, string>> = {},
  within: readonly string[] = [],
): Promise<ControllerProcess> {
  const [command, ...args] = [...within, process.execPath, program, 'controller']
  const child = spawn(command, args, {
    env: {
      BLAZON_TRUST_DOMAIN: testTrustDomain,
      BLAZON_DATA_DIR: directory,
      BLAZON_LISTEN: '127.0.0.1:0',
      BLAZON_METRICS_LISTEN: '127.0.0.1:0',
      BLAZON_GATEWAY_LISTEN: 'off',
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const started = await startRecord(child)
  return {
    address: hostPort(started.listen),
    metricsAddress: hostPort(started.metrics),
    root: new X509Certificate(await readFile(started.bundle)).raw,
    secretFile: join(directory, 'first-administrator'),
    end: async (signal) => {
      if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
      child.kill(signal)
      const [code] = (await once(child, 'exit')) as [number | null]
      return code
    },
  }
}

interface StartRecord {
  readonly listen: string
  readonly metrics: string
  readonly bundle: string
}

async function startRecord(child: ChildProcess): Promise<StartRecord> {
  if (child.stdout === null || child.stderr === null) throw new Error('BUG: no pipes')
  let complaints = ''
  child.stderr.on('data', (chunk: Buffer) => {
    complaints += chunk.toString()
  })
  for await (const line of createInterface(child.stdout)) {
    const record = JSON.parse(line) as StartRecord & { readonly msg: string }
    if (record.msg === 'controller started') {
      child.stdout.resume()
      return record
    }
  }
  throw new Error(`the controller did not start: ${complaints}`)
}
