import type { TLSSocket } from 'node:tls'
import type { X509Certificate } from 'node:crypto'
import { verifyPeer } from '../../identity/index.ts'
import { callerOf, type Caller, type KnownAdministrator, type Trust } from '../caller.ts'

/** Finds the connection of a gRPC call by the name that it was given. */
export interface Connections {
  /** Decides who a connection belongs to, and names it so that its calls find the answer. */
  register(socket: TLSSocket, ownKeySha256: string): Connection
  /** Undefined once the connection has closed. */
  of(peerName: string): Connection | undefined
  readonly size: number
}

/** A connection, as its calls know it. */
export interface Connection {
  readonly caller: Caller
  /** Notes that a call has come whole and is being answered. */
  enter(): void
  leave(): void
  /** Notes that a stream is open, until it ends. */
  hold(stream: EndingStream): void
  /** For how long no call was being answered, ms. gRPC takes one for a call that never comes whole. */
  silence(): number
}

/** A streaming call of grpc-js, as far as its end goes. */
export interface EndingStream {
  once(event: 'finish' | 'error' | 'cancelled', listener: () => void): unknown
}

/** A leaf, an issuer and a root: what follows is not looked at, only counted. */
const longestChain = 4

export function createConnections(deps: {
  readonly trust: Trust
  readonly administrator: (serial: string) => KnownAdministrator | undefined
}): Connections {
  const connections = new Map<string, Connection>()
  let sequence = 0
  return {
    register: (socket, ownKeySha256) => {
      const connection = createConnection(identify(socket, ownKeySha256, deps))
      const name = `connection-${String(++sequence)}`
      connections.set(name, connection)
      socket.once('close', () => connections.delete(name))
      // grpc-js knows a call's connection by `<remoteAddress>:<remotePort>` and nothing else.
      Object.defineProperty(socket, 'remoteAddress', { value: name })
      Object.defineProperty(socket, 'remotePort', { value: undefined })
      return connection
    },
    of: (peerName) => connections.get(peerName),
    get size() {
      return connections.size
    },
  }
}

function createConnection(caller: Caller): Connection {
  let calls = 0
  let silentSince = performance.now()
  const enter = (): void => {
    calls += 1
  }
  const leave = (): void => {
    calls -= 1
    silentSince = performance.now()
  }
  return {
    caller,
    enter,
    leave,
    hold: (stream) => {
      let isOver = false
      const end = (): void => {
        if (isOver) return
        isOver = true
        leave()
      }
      enter()
      // The first of them counts: a client that neither reads nor writes keeps the others from coming.
      stream.once('finish', end)
      stream.once('error', end)
      stream.once('cancelled', end)
    },
    silence: () => (calls > 0 ? 0 : performance.now() - silentSince),
  }
}

function identify(
  socket: TLSSocket,
  controllerKeySha256: string,
  deps: {
    readonly trust: Trust
    readonly administrator: (serial: string) => KnownAdministrator | undefined
  },
): Caller {
  const connection = { source: socket.remoteAddress ?? 'unknown', controllerKeySha256 }
  const chain = presentedChain(socket)
  if (chain.length === 0) return { kind: 'anonymous', ...connection }
  const verdict = verifyPeer({
    chain,
    bundle: deps.trust.bundle(),
    floors: deps.trust.floors(),
    now: deps.trust.now(),
  })
  if (!verdict.ok) {
    return { kind: 'refused', code: verdict.code, detail: verdict.detail, ...connection }
  }
  return callerOf(verdict.peer, connection, deps.administrator)
}

/** The client's chain, leaf first; empty when it showed none. */
export function presentedChain(socket: TLSSocket): readonly Buffer[] {
  const chain: Buffer[] = []
  let next: X509Certificate | undefined = socket.getPeerX509Certificate()
  while (next !== undefined && chain.length < longestChain) {
    chain.push(next.raw)
    next = next.issuerCertificate
  }
  return chain
}
