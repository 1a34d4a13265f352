import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createImds, openInstanceMetadata } from '../../src/aws/index.ts'
import type { Clock } from '../../src/base/clock.ts'
import type { HostPort } from '../../src/base/env.ts'
import { formatHostPort } from '../../src/base/env.ts'
import { silentLogger, type Logger } from '../../src/base/logger.ts'
import { readSidecarConfig, startSidecar, type Sidecar } from '../../src/sidecar/index.ts'
import { FakeController } from './fake-controller.ts'

/** A program of the tests that listens on loopback and notes who has connected. */
export interface TestApplication extends AsyncDisposable {
  readonly address: HostPort
  readonly sockets: Socket[]
}

/** Sends back what it gets and closes when the client does, unless `onSocket` does something else. */
export async function startApplication(
  onSocket: (socket: Socket) => void = (socket) => socket.pipe(socket),
): Promise<TestApplication> {
  const sockets: Socket[] = []
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket)
    socket.on('error', () => undefined)
    onSocket(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    address: { host: '127.0.0.1', port: (server.address() as AddressInfo).port },
    sockets,
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close')
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

/** A logger that keeps what it is told, each record with its message. */
export interface RecordingLogger extends Logger {
  readonly records: Readonly<Record<string, unknown>>[]
  /** The records with this message. */
  of(message: string): Readonly<Record<string, unknown>>[]
}

export function recordingLogger(): RecordingLogger {
  const records: Readonly<Record<string, unknown>>[] = []
  const keep = (fields: Readonly<Record<string, unknown>>, message: string): void => {
    records.push({ ...fields, message })
  }
  return {
    records,
    of: (message) => records.filter((record) => record['message'] === message),
    debug: keep,
    info: keep,
    warn: keep,
    error: keep,
  }
}

/** Environment of a test sidecar, beyond what all of them share. */
export interface SidecarWish {
  readonly name: string
  readonly egress?: readonly HostPort[]
  readonly ingress?: readonly HostPort[]
  readonly stateDirectory: string
  readonly environment?: Readonly<Record<string, string>>
  readonly log?: Logger
  readonly clock?: Clock
}

/** Which controller a sidecar belongs to, and with what it enrols there. */
export interface SidecarHome {
  readonly address: HostPort
  readonly trustDomain: string
  /** DER. */
  readonly root: Buffer
  readonly joinToken: string
}

/** The environment of a sidecar of that home; writes the roots that pin the controller. */
export async function sidecarEnvironment(
  controller: SidecarHome,
  wish: SidecarWish,
): Promise<Readonly<Record<string, string>>> {
  const bundle = `${wish.stateDirectory}.roots.pem`
  const der = controller.root.toString('base64').replace(/.{64}/g, '$&\n')
  await writeFile(bundle, `-----BEGIN CERTIFICATE-----\n${der}\n-----END CERTIFICATE-----\n`)
  return {
    BLAZON_TRUST_DOMAIN: controller.trustDomain,
    BLAZON_CONTROLLER: formatHostPort(controller.address),
    BLAZON_BUNDLE: bundle,
    BLAZON_JOIN_TOKEN: controller.joinToken,
    BLAZON_WORKLOAD: wish.name,
    BLAZON_STATE_DIR: wish.stateDirectory,
    BLAZON_EGRESS: (wish.egress ?? []).map((to) => `127.0.0.1:0=${formatHostPort(to)}`).join(','),
    BLAZON_INGRESS: (wish.ingress ?? []).map((to) => `127.0.0.1:0=${formatHostPort(to)}`).join(','),
    BLAZON_METRICS_LISTEN: 'off',
    BLAZON_DRAIN: '100ms',
    ...wish.environment,
  }
}

export async function startTestSidecar(
  controller: SidecarHome,
  wish: SidecarWish,
): Promise<Sidecar> {
  const config = readSidecarConfig(await sidecarEnvironment(controller, wish))
  const log = wish.log ?? silentLogger
  const { imdsEndpoint } = config
  return await startSidecar({
    config,
    version: '0.0.0',
    log,
    reportIntervalMs: 50,
    ...(wish.clock && { clock: wish.clock }),
    // As src/main does it, but without a look around for a service that is not the test's.
    ...(imdsEndpoint && {
      metadata: openInstanceMetadata(createImds({ endpoints: [imdsEndpoint], timeoutMs: 300 })),
    }),
  })
}

/** A directory that is gone after the test. */
export async function temporaryDirectory(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'blazon-test-'))
  return {
    path,
    [Symbol.asyncDispose]: async () => {
      await rm(path, { recursive: true, force: true })
    },
  }
}

/** Two workloads, `web` and `db`, each behind its sidecar; `web` reaches `db`'s application. */
export interface TestMesh extends AsyncDisposable {
  readonly controller: FakeController
  readonly application: TestApplication
  readonly web: Sidecar
  readonly db: Sidecar
  /** Where the program `web` connects to. */
  readonly entrance: HostPort
  /** Where `db`'s sidecar takes tunnels: the original destination. */
  readonly ingress: HostPort
  readonly directory: string
  /** The port that policy is asked about. */
  readonly port: number
}

export interface MeshWish {
  /** The port of the policy is put in place of `PORT`. */
  readonly policy?: string
  readonly onSocket?: (socket: Socket) => void
  readonly prepare?: (controller: FakeController) => void
  readonly application?: HostPort
  /** Where `web` dials instead of `db`'s sidecar, such as a hop on the way there. */
  readonly through?: (ingress: HostPort) => HostPort
  readonly environment?: Readonly<Record<string, string>>
  readonly log?: Logger
  readonly clock?: Clock
}

export const allowWebToDb = `
kind: NetworkPolicy
name: web-to-db
spec:
  from: { label.app: web }
  to: { label.app: db }
  ports: [tcp/PORT]
  action: allow
`

export async function startMesh(wish: MeshWish = {}): Promise<TestMesh> {
  await using stack = new AsyncDisposableStack()
  const directory = stack.use(await temporaryDirectory())
  const controller = stack.use(await new FakeController().start())
  wish.prepare?.(controller)
  const application = stack.use(await startApplication(wish.onSocket))
  const common = {
    ...(wish.environment === undefined ? {} : { environment: wish.environment }),
    ...(wish.log === undefined ? {} : { log: wish.log }),
    ...(wish.clock === undefined ? {} : { clock: wish.clock }),
  }
  const db = stack.use(
    await startTestSidecar(controller, {
      name: 'db',
      ingress: [wish.application ?? application.address],
      stateDirectory: join(directory.path, 'db'),
      ...common,
    }),
  )
  const [ingress] = db.ingressAddresses
  if (ingress === undefined) throw new Error('BUG: no ingress')
  controller.setPolicy((wish.policy ?? allowWebToDb).replaceAll('PORT', String(ingress.port)))
  const web = stack.use(
    await startTestSidecar(controller, {
      name: 'web',
      egress: [wish.through === undefined ? ingress : wish.through(ingress)],
      stateDirectory: join(directory.path, 'web'),
      ...common,
    }),
  )
  const [entrance] = web.egressAddresses
  if (entrance === undefined) throw new Error('BUG: no egress')
  const deadline = AbortSignal.timeout(20_000)
  await Promise.all([web.whenReady(deadline), db.whenReady(deadline)])
  const parts = stack.move()
  return {
    controller,
    application,
    web,
    db,
    entrance,
    ingress,
    directory: directory.path,
    port: ingress.port,
    [Symbol.asyncDispose]: async () => await parts.disposeAsync(),
  }
}

/** What a client program saw of its connection. */
export interface TestClient {
  readonly socket: Socket
  /** Everything received so far. */
  text(): string
  /** How it ended: `end` orderly, or the code of the error. */
  readonly ended: Promise<string>
}

/** Connects like an ordinary program, sends `greeting` at once, and stays open for half-close. */
export function connectClient(
  to: HostPort & { readonly localAddress?: string },
  greeting = '',
): TestClient {
  const socket = connect({ ...to, allowHalfOpen: true })
  const received: Buffer[] = []
  const ended = Promise.withResolvers<string>()
  socket.on('data', (bytes: Buffer) => received.push(bytes))
  socket.on('end', () => {
    ended.resolve('end')
  })
  socket.on('error', (error: NodeJS.ErrnoException) => {
    ended.resolve(error.code ?? error.message)
  })
  socket.on('close', () => {
    ended.resolve('close')
  })
  if (greeting !== '') socket.write(greeting)
  return { socket, text: () => Buffer.concat(received).toString(), ended: ended.promise }
}
