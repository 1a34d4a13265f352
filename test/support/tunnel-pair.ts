import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import {
  createTunnelAcceptor,
  dialTunnel,
  type AcceptorOptions,
  type LocalIdentity,
  type StreamHandlers,
  type StreamHeader,
  type Trust,
  type Tunnel,
  type TunnelContext,
} from '../../src/tunnel/index.ts'
import { noFloors } from '../../src/identity/index.ts'
import type { Reason } from '../../src/policy/reason.ts'
import type { TestCa, TestWorkload } from './test-ca.ts'

/** What a test workload shows on a tunnel. */
export function localIdentity(workload: TestWorkload): LocalIdentity {
  const { chain, privateKey, profile, notAfter } = workload
  return { chain, privateKey, profile, notAfter }
}

/** The trust of a test authority, at the time it was made. */
export function trustOf(ca: TestCa, change: Partial<Trust> = {}): Trust {
  return { bundle: ca.bundle(), floors: noFloors, now: ca.now, ...change }
}

/** A listener on loopback that makes every connection a tunnel, or notes why not. */
export interface Ingress extends AsyncDisposable {
  readonly port: number
  readonly tunnels: Tunnel[]
  readonly refusals: unknown[]
  readonly handshakes: () => number
  /** Settles with the next outcome: a tunnel, or what accept rejected with. */
  next(): Promise<unknown>
}

export async function listenForTunnels(
  context: AcceptorOptions,
  onTunnel: (tunnel: Tunnel) => void = () => undefined,
): Promise<Ingress> {
  const acceptor = createTunnelAcceptor(context)
  const sockets = new Set<Socket>()
  const tunnels: Tunnel[] = []
  const refusals: unknown[] = []
  const outcomes: Promise<unknown>[] = []
  const waiting: ((outcome: Promise<unknown>) => void)[] = []
  // Open for half-close, like every listener of a sidecar.
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    const outcome = acceptor.accept(socket).then(
      (tunnel) => {
        tunnels.push(tunnel)
        onTunnel(tunnel)
        return tunnel
      },
      (error: unknown) => {
        refusals.push(error)
        return error
      },
    )
    const waiter = waiting.shift()
    if (waiter === undefined) outcomes.push(outcome)
    else waiter(outcome)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    tunnels,
    refusals,
    handshakes: () => acceptor.handshakes,
    next: () => {
      const outcome = outcomes.shift()
      if (outcome !== undefined) return outcome
      return new Promise<unknown>((resolve) => waiting.push(resolve))
    },
    [Symbol.asyncDispose]: async () => {
      server.close()
      for (const tunnel of tunnels) tunnel.close('draining')
      for (const socket of sockets) socket.destroy()
      await once(server, 'close')
    },
  }
}

/** Two ends of one tunnel over TLS on loopback. */
export interface TunnelPair extends AsyncDisposable {
  readonly ingress: Ingress
  readonly dialler: Tunnel
  readonly acceptor: Tunnel
}

export async function connectTunnel(
  dialler: TunnelContext,
  acceptor: TunnelContext,
): Promise<TunnelPair> {
  const ingress = await listenForTunnels(acceptor)
  const [near, far] = await Promise.all([
    dialTunnel({ ...dialler, host: '127.0.0.1', port: ingress.port }),
    ingress.next(),
  ])
  return {
    ingress,
    dialler: near,
    acceptor: far as Tunnel,
    [Symbol.asyncDispose]: async () => {
      near.close('draining')
      await near.closed
      await ingress[Symbol.asyncDispose]()
    },
  }
}

/** A header as an egress would send it. */
export function streamHeader(change: Partial<StreamHeader> = {}): StreamHeader {
  return {
    source: { address: '127.0.0.1', port: 40_000 },
    destination: { address: '127.0.0.1', port: 5_432 },
    flowId: '000102030405060708090a0b0c0d0e0f',
    ...change,
  }
}

/** Handlers that note what happens, with promises for the events that tests wait for. */
export interface Recorder extends StreamHandlers {
  readonly received: Buffer[]
  /** The bytes received, once the peer has ended. */
  readonly ended: Promise<Buffer>
  readonly wasReset: Promise<Reason | undefined>
  readonly accepted: Promise<unknown>
  readonly events: string[]
}

export function recorder(more: Partial<StreamHandlers> = {}): Recorder {
  const received: Buffer[] = []
  const events: string[] = []
  const ended = Promise.withResolvers<Buffer>()
  const wasReset = Promise.withResolvers<Reason | undefined>()
  const accepted = Promise.withResolvers<undefined>()
  return {
    received,
    events,
    ended: ended.promise,
    wasReset: wasReset.promise,
    accepted: accepted.promise,
    onData: (bytes, hold) => {
      received.push(Buffer.from(bytes))
      more.onData?.(bytes, hold)
    },
    onEnd: () => {
      events.push('end')
      ended.resolve(Buffer.concat(received))
      more.onEnd?.()
    },
    onReset: (reason) => {
      events.push(`reset ${String(reason)}`)
      wasReset.resolve(reason)
      more.onReset?.(reason)
    },
    onDrain: () => {
      events.push('drain')
      more.onDrain?.()
    },
    onAccept: () => {
      accepted.resolve(undefined)
      more.onAccept?.()
    },
  }
}
