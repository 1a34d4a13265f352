import { spawn, type ChildProcess } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { formatHostPort, hostPort, type HostPort } from '../../src/base/env.ts'
import { createCsr } from '../../src/identity/index.ts'
import {
  connectTo,
  type ClientIdentity,
  type ControllerClient,
} from '../../test/support/controller-client.ts'
import { testTrustDomain } from '../../test/support/enrolment-client.ts'
import { eventually } from '../../test/support/poll.ts'
import { newKeys } from '../../test/support/test-ca.ts'
import { placed } from './placement.ts'
import { cpuSeconds, residentBytes } from './usage.ts'

const program = fileURLToPath(new URL('../../src/main/blazon.ts', import.meta.url))
const startMs = 60_000
const stopMs = 20_000

/** Calls to enrol from one address, far above what can be reached: the limit is not what is measured. */
const enrolmentRate = 1_000_000

/** The real controller on one core, as it is shipped, with its own store on disk. */
export interface ControllerUnderTest extends AsyncDisposable {
  readonly address: HostPort
  /** DER. */
  readonly root: Buffer
  /** A connection as administrator, to the controller that runs now; closed with it. */
  admin(): ControllerClient
  cpuSeconds(): number
  residentBytes(): number
  /** Kills it and starts it again on the same directory and port. */
  restart(): Promise<void>
}

/** The rule and the token labels that let every load generator in. */
const rule = `
kind: EnrolmentRule
name: bench
spec: { match: { label.join: bench }, names: ['*'] }
`

export async function startControllerUnderTest(): Promise<ControllerUnderTest> {
  const directory = mkdtempSync(join(tmpdir(), 'blazon-bench-'))
  let running = await start(directory, '127.0.0.1:0')
  const cleanUp = (): void => {
    running.child.kill('SIGKILL')
    rmSync(directory, { recursive: true, force: true })
  }
  const forget = onSignal(cleanUp)
  const { address } = running
  const root = new X509Certificate(readFileSync(join(directory, 'bundle.pem'))).raw
  const administrator = await claim(address, root, join(directory, 'first-administrator'))
  let admin = connectTo(address, root, administrator)
  await admin.call('Apply', { text: rule })
  return {
    address,
    root,
    admin: () => admin,
    cpuSeconds: () => cpuSeconds(running.pid),
    residentBytes: () => residentBytes(running.pid),
    restart: async () => {
      await kill(running.child)
      running = await start(directory, formatHostPort(address))
      admin[Symbol.dispose]()
      admin = connectTo(address, root, administrator)
    },
    [Symbol.asyncDispose]: async () => {
      admin[Symbol.dispose]()
      await stop(running.child)
      cleanUp()
      forget()
    },
  }
}

/** Join tokens, each good for so many workloads of one node, which get the labels besides. */
export async function createTokens(
  controller: ControllerUnderTest,
  count: number,
  uses = 1,
  moreLabels: Readonly<Record<string, string>> = {},
): Promise<string[]> {
  const tokens: string[] = []
  const labels = Object.entries({ join: 'bench', ...moreLabels }).map(([key, value]) => ({
    key,
    value,
  }))
  const lane = async (): Promise<void> => {
    while (tokens.length < count) {
      const at = tokens.push('') - 1
      tokens[at] = (await controller.admin().call('CreateJoinToken', { uses, labels })).token
    }
  }
  await Promise.all(Array.from({ length: 32 }, lane))
  return tokens
}

/** Becomes the first administrator. */
async function claim(address: HostPort, root: Buffer, secretFile: string): Promise<ClientIdentity> {
  using stranger = connectTo(address, root)
  const { privateKey } = newKeys()
  const { chain } = await stranger.call('ClaimAdministrator', {
    secret: readFileSync(secretFile, 'utf8').trim(),
    csr: createCsr(privateKey),
    name: 'bench',
  })
  return { chain, privateKey }
}

/** Leaves nothing behind where somebody stops the measurement. Returns what takes it back. */
function onSignal(cleanUp: () => void): () => void {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  const stop = (signal: NodeJS.Signals): void => {
    cleanUp()
    forget()
    process.kill(process.pid, signal)
  }
  const forget = (): void => {
    for (const signal of signals) process.off(signal, stop)
  }
  for (const signal of signals) process.on(signal, stop)
  return forget
}

async function kill(child: ChildProcess, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill(signal)
  await once(child, 'exit')
}

/** Lets it end by itself, because a profile is written at the end; kills it where it does not. */
async function stop(child: ChildProcess): Promise<void> {
  const late = setTimeout(() => child.kill('SIGKILL'), stopMs)
  await kill(child, 'SIGTERM')
  clearTimeout(late)
}

interface Running {
  readonly child: ChildProcess
  readonly pid: number
  readonly address: HostPort
}

/** Its log goes to a file: to read it here would take processor time from the load generators. */
async function start(directory: string, listen: string): Promise<Running> {
  const logFile = join(directory, `log-${String(Date.now())}`)
  const log = openSync(logFile, 'w')
  const [command, ...words] = placed('controller', [process.execPath, program, 'controller'])
  const child = spawn(command, words, {
    env: {
      PATH: process.env['PATH'],
      BLAZON_TRUST_DOMAIN: testTrustDomain,
      BLAZON_DATA_DIR: directory,
      BLAZON_LISTEN: listen,
      BLAZON_METRICS_LISTEN: '127.0.0.1:0',
      BLAZON_GATEWAY_LISTEN: 'off',
      BLAZON_ENROLMENT_RATE: String(enrolmentRate),
      ...profiling(),
    },
    stdio: ['ignore', log, log],
  })
  closeSync(log)
  const record = await eventually(
    'the controller to start',
    () => {
      if (child.exitCode !== null) throw new Error(readFileSync(logFile, 'utf8'))
      return startRecord(logFile)
    },
    startMs,
  )
  if (child.pid === undefined) throw new Error('BUG: a process without a number')
  return { child, pid: child.pid, address: hostPort(record.listen) }
}

function startRecord(logFile: string): { readonly listen: string } | undefined {
  const line = readFileSync(logFile, 'utf8')
    .split('\n')
    .find((each) => each.includes('"controller started"') && each.endsWith('}'))
  return line === undefined ? undefined : (JSON.parse(line) as { readonly listen: string })
}

/** `NODE_OPTIONS` of whoever runs this reach the controller, for instance `--cpu-prof`. */
function profiling(): { readonly NODE_OPTIONS?: string } {
  const options = process.env['BENCH_CONTROLLER_OPTIONS']
  return options === undefined ? {} : { NODE_OPTIONS: options }
}
