import type { TLSSocket } from 'node:tls'
import type { X509Certificate } from 'node:crypto'
import { verifyPeer } from '../../identity/index.ts'
import { callerOf, type Caller, type KnownAdministrator, type Trust } from '../caller.ts'

/** Finds the caller of a gRPC call by the name that its connection was given. */
export interface Connections {
  /** Decides who a connection belongs to, and names it so that its calls find the answer. */
  register(socket: TLSSocket, ownKeySha256: string): Caller
  /** Undefined once the connection has closed. */
  callerOf(peerName: string): Caller | undefined
  readonly size: number
}

/** A leaf, an issuer and a root: what follows is not looked at, only counted. */
const longestChain = 4

export function createConnections(deps: {
  readonly trust: Trust
  readonly administrator: (serial: string) => KnownAdministrator | undefined
}): Connections {
  const callers = new Map<string, Caller>()
  let sequence = 0
  return {
    register: (socket, ownKeySha256) => {
      const caller = identify(socket, ownKeySha256, deps)
      const name = `connection-${String(++sequence)}`
      callers.set(name, caller)
      socket.once('close', () => callers.delete(name))
      // grpc-js knows a call's connection by `<remoteAddress>:<remotePort>` and nothing else.
      Object.defineProperty(socket, 'remoteAddress', { value: name })
      Object.defineProperty(socket, 'remotePort', { value: undefined })
      return caller
    },
    callerOf: (peerName) => callers.get(peerName),
    get size() {
      return callers.size
    },
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
