import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock, type Clock } from '../../src/base/clock.ts'
import { silentLogger, type LogFields, type Logger } from '../../src/base/logger.ts'
import {
  startController,
  type Controller,
  type ControllerConfig,
} from '../../src/controller/index.ts'
import type { Store } from '../../src/controller/store/store.ts'
import { createCsr, parseTrustDomain } from '../../src/identity/index.ts'
import { X509Certificate } from 'node:crypto'
import { connectTo, type ClientIdentity, type ControllerClient } from './controller-client.ts'
import {
  attestWith,
  testTrustDomain,
  type AttestAttempt,
  type EnrolledWorkload,
} from './enrolment-client.ts'
import { newKeys } from './test-ca.ts'

/** A clock that runs, and can be put forward. */
export interface MovableClock extends Clock {
  skip(ms: number): void
}

export function createMovableClock(): MovableClock {
  let skippedMs = 0
  return {
    now: () => systemClock.now() + skippedMs,
    monotonic: () => systemClock.monotonic() + skippedMs,
    skip: (ms) => {
      skippedMs += ms
    },
  }
}

/** A logger that keeps what it is told. */
export function createRecordingLogger(): Logger & {
  readonly records: { readonly message: string; readonly fields: LogFields }[]
} {
  const records: { message: string; fields: LogFields }[] = []
  const record = (fields: LogFields, message: string): void => {
    records.push({ message, fields })
  }
  return { records, debug: record, info: record, warn: record, error: record }
}

/** An in-process controller on a directory of its own, and what a test needs to talk to it. */
export interface TestController extends AsyncDisposable {
  readonly controller: Controller
  readonly directory: string
  readonly root: Buffer
  /** A connection without a certificate, or with one. Closed with the controller. */
  connect(identity?: ClientIdentity): ControllerClient
  /** The first administrator's connection; claimed at first use. */
  admin(): Promise<ControllerClient>
  apply(text: string): Promise<void>
  token(options?: { uses?: number; labels?: Readonly<Record<string, string>> }): Promise<string>
  enrol(name: string, attempt?: Partial<AttestAttempt>): Promise<EnrolledWorkload>
  /** Stops the controller and starts it again on the same directory. */
  restart(): Promise<void>
}

/** Lets join tokens in that carry `label.join: test`. */
export const testRule = `
kind: EnrolmentRule
name: test-nodes
spec:
  match: { label.join: test }
  names: ['*']
  claims: { app.*: '*', os.*: '*' }
`

/** Files that the controller is told of where they are among the `files`. */
const configFiles: Readonly<Record<string, keyof ControllerConfig>> = {
  'iid-keys.json': 'iidKeysFile',
  'x509-ca.pem': 'x509CaFile',
}

export async function startTestController(
  options: {
    readonly config?: Partial<ControllerConfig>
    /** Files by name that are put into the data directory before the start. */
    readonly files?: Readonly<Record<string, string>>
    readonly clock?: Clock
    readonly log?: Logger
    readonly openStore?: (file: string) => Promise<Store>
  } = {},
): Promise<TestController> {
  const directory = await mkdtemp(join(tmpdir(), 'blazon-controller-'))
  for (const [name, text] of Object.entries(options.files ?? {})) {
    await writeFile(join(directory, name), text)
  }
  const fileConfig = Object.fromEntries(
    Object.entries(configFiles)
      .filter(([name]) => options.files?.[name] !== undefined)
      .map(([name, field]) => [field, join(directory, name)]),
  )
  const start = (): Promise<Controller> =>
    startController(
      {
        trustDomain: parseTrustDomain(testTrustDomain),
        dataDirectory: directory,
        listen: { host: '127.0.0.1', port: 0 },
        metricsListen: { host: '127.0.0.1', port: 0 },
        keyFile: undefined,
        svidTtlMs: 3_600_000,
        minSvidTtlMs: 10_000,
        ...fileConfig,
        ...options.config,
      },
      {
        log: options.log ?? silentLogger,
        version: '0.0.0',
        ...(options.clock === undefined ? {} : { clock: options.clock }),
        ...(options.openStore === undefined ? {} : { openStore: options.openStore }),
      },
    )
  let controller = await start()
  const root = new X509Certificate(await readFile(controller.bundleFile)).raw
  const clients: ControllerClient[] = []
  let admin: ClientIdentity | undefined
  let adminClient: ControllerClient | undefined

  const connect = (identity?: ClientIdentity): ControllerClient => {
    const client = connectTo(controller.address, root, identity)
    clients.push(client)
    return client
  }
  const closeClients = (): void => {
    for (const client of clients.splice(0)) client[Symbol.dispose]()
    adminClient = undefined
  }

  const self: TestController = {
    get controller() {
      return controller
    },
    directory,
    root,
    connect,
    admin: async () => {
      admin ??= await claimAdministrator(connect(), controller.secretFile ?? '')
      return (adminClient ??= connect(admin))
    },
    apply: async (text) => {
      await (await self.admin()).call('Apply', { text })
    },
    token: async ({ uses = 1, labels = { join: 'test' } } = {}) => {
      const created = await (
        await self.admin()
      ).call('CreateJoinToken', {
        uses,
        labels: Object.entries(labels).map(([key, value]) => ({ key, value })),
      })
      return created.token
    },
    enrol: async (name, attempt = {}) => {
      const client = connect()
      if (attempt.evidence !== undefined) {
        // The key that the evidence is signed for is known from the first answer on.
        await client.call('Challenge', {})
        return attestWith(client, { name, ...attempt })
      }
      const token = attempt.token ?? (await self.token())
      return attestWith(client, { name, ...attempt, token })
    },
    restart: async () => {
      closeClients()
      await controller[Symbol.asyncDispose]()
      controller = await start()
    },
    [Symbol.asyncDispose]: async () => {
      closeClients()
      await controller[Symbol.asyncDispose]()
      await rm(directory, { recursive: true, force: true })
    },
  }
  return self
}

/** Becomes the first administrator with the secret in the file. */
export async function claimAdministrator(
  client: ControllerClient,
  secretFile: string,
): Promise<ClientIdentity> {
  const { privateKey } = newKeys()
  const secret = (await readFile(secretFile, 'utf8')).trim()
  const { chain } = await client.call('ClaimAdministrator', {
    secret,
    csr: createCsr(privateKey),
    name: 'ada',
  })
  return { chain, privateKey }
}
