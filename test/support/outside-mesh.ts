import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { join } from 'node:path'
import { formatHostPort, type HostPort } from '../../src/base/env.ts'
import type { Sidecar } from '../../src/sidecar/index.ts'
import { FakeController } from './fake-controller.ts'
import { allowToOffice } from './office-policy.ts'
import { eventually } from './poll.ts'
import { recordingLogger, startTestSidecar, temporaryDirectory } from './mesh-fixture.ts'
import type { RecordingLogger } from './mesh-fixture.ts'

/** A program outside the mesh, which keeps every byte that reaches it. */
export interface OutsideProgram extends AsyncDisposable {
  readonly address: HostPort
  readonly sockets: Socket[]
  /** All that came, over all connections. */
  received(): Buffer
}

export async function startOutside(
  host: string,
  onSocket: (socket: Socket) => void = () => undefined,
): Promise<OutsideProgram> {
  const sockets: Socket[] = []
  const bytes: Buffer[] = []
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket)
    socket.on('error', () => undefined)
    socket.on('data', (chunk: Buffer) => bytes.push(chunk))
    onSocket(socket)
  })
  server.listen(0, host)
  await once(server, 'listening')
  return {
    address: { host, port: (server.address() as AddressInfo).port },
    sockets,
    received: () => Buffer.concat(bytes),
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close')
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

/** Where the sidecar of `web` takes connections. */
export const ingressAddress = '10.0.0.7'

/** One workload `web` with its sidecar, which a test lets reach programs outside the mesh. */
export interface OutsideMesh extends AsyncDisposable {
  readonly controller: FakeController
  readonly web: Sidecar
  readonly log: RecordingLogger
  /** Where the program connects to, one for each of `egress`. */
  readonly entrances: readonly HostPort[]
  /** Puts a policy in force and waits until the sidecar has it. */
  setPolicy(text: string): Promise<void>
}

export async function startOutsideMesh(wish: {
  readonly egress?: readonly HostPort[]
  /** Programs behind the sidecar, which takes connections for them at `ingressAddress`. */
  readonly ingress?: readonly HostPort[]
  readonly environment?: Readonly<Record<string, string>>
  readonly policy?: string
}): Promise<OutsideMesh> {
  await using stack = new AsyncDisposableStack()
  const directory = stack.use(await temporaryDirectory())
  const controller = stack.use(await new FakeController().start())
  const log = recordingLogger()
  controller.setPolicy(wish.policy ?? '')
  const web = stack.use(
    await startTestSidecar(controller, {
      name: 'web',
      egress: wish.egress ?? [],
      stateDirectory: join(directory.path, 'web'),
      log,
      environment: {
        ...(wish.ingress && {
          BLAZON_INGRESS: wish.ingress
            .map((to) => `${ingressAddress}:0=${formatHostPort(to)}`)
            .join(),
        }),
        BLAZON_DIAL_TIMEOUT: '2s',
        ...wish.environment,
      },
    }),
  )
  await web.whenReady(AbortSignal.timeout(20_000))
  const parts = stack.move()
  return {
    controller,
    web,
    log,
    entrances: web.egressAddresses,
    setPolicy: async (text) => {
      const version = controller.setPolicy(text)
      await eventually('the acknowledgement', () =>
        controller.acknowledged.some((each) => each.version === version),
      )
    },
    [Symbol.asyncDispose]: async () => {
      await parts.disposeAsync()
    },
  }
}

/** A service at one network, and an allow of `web` to it; `more` goes on in the spec of the service. */
export const allowToService = (cidr: string, more = ''): string =>
  allowToOffice(`cidrs: [${cidr}]${more}`)
