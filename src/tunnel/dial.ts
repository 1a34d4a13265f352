import { once } from 'node:events'
import { connect, createSecureContext, type ConnectionOptions, type TLSSocket } from 'node:tls'
import {
  defaultHandshakeMs,
  type LocalIdentity,
  type Trust,
  type TunnelContext,
} from './context.ts'
import { canonicalAddress } from './endpoint.ts'
import {
  alpnProtocol,
  checkPeer,
  handshakeFailure,
  secureOptions,
  withOwnIdentity,
} from './tls-options.ts'
import { createReceiveBuffer, type ReceiveBuffer } from './receive-buffer.ts'
import { systemTimers } from './timers.ts'
import { TunnelError } from './tunnel-error.ts'
import { Tunnel } from './tunnel.ts'

export interface DialOptions extends TunnelContext {
  /** The original destination, an IP address. */
  readonly host: string
  readonly port: number
  readonly localAddress?: string
  readonly signal?: AbortSignal
  /** Time until the TCP connection stands, in milliseconds. */
  readonly connectMs?: number
}

const defaultConnectMs = 5_000

/**
 * Connects, authenticates both ends and exchanges Hellos. Rejects with a `TunnelError` whose reason
 * says why there is no tunnel; nothing of ours but the certificate has been shown to a refused peer.
 */
export async function dialTunnel(options: DialOptions): Promise<Tunnel> {
  const { host, port } = options
  const address = canonicalAddress(host)
  if (address === undefined) throw new Error('BUG: a tunnel is dialled to an IP address')
  const identity = options.identity()
  const received = createReceiveBuffer()
  const socket = openSocket(options, identity, options.trust(), received)
  try {
    await connected(socket, options)
    const peer = checkPeer(socket, options.trust())
    const endpoint = { address, port }
    return await Tunnel.establish({
      socket,
      role: 'dialler',
      identity,
      peer,
      endpoint,
      context: options,
      received,
    })
  } catch (error: unknown) {
    socket.destroy()
    throw error instanceof TunnelError ? error : handshakeFailure(error)
  }
}

function openSocket(
  options: DialOptions,
  identity: LocalIdentity,
  trust: Trust,
  { onread }: ReceiveBuffer,
): TLSSocket {
  const { host, port, localAddress } = options
  // Node's types leave out that the options of the TCP connection may stand among these.
  const wanted: ConnectionOptions & Pick<ReceiveBuffer, 'onread'> = {
    host,
    port,
    onread,
    ...(localAddress === undefined ? {} : { localAddress }),
    secureContext: withOwnIdentity(() => createSecureContext(secureOptions(identity, trust))),
    ALPNProtocols: [alpnProtocol],
    rejectUnauthorized: true,
    // Names are SPIFFE IDs, not host names: checkPeer reads them.
    checkServerIdentity: () => undefined,
    servername: '',
  }
  const socket = connect(wanted)
  socket.setNoDelay(true)
  // Whoever waits hears of errors by the promise; none may be left without a listener.
  socket.on('error', () => undefined)
  return socket
}

/** Waits for the TCP connection and then for the handshake, each within its own time. */
async function connected(socket: TLSSocket, options: DialOptions): Promise<void> {
  const timers = options.timers ?? systemTimers
  const fail = (message: string) => () => {
    socket.destroy(new TunnelError('ERR_HANDSHAKE', 'no-tunnel', message))
  }
  const aborted = fail('given up by the caller')
  options.signal?.addEventListener('abort', aborted)
  let cancel = timers.after(options.connectMs ?? defaultConnectMs, fail('no connection in time'))
  socket.once('connect', () => {
    cancel()
    const handshakeMs = options.handshakeMs ?? defaultHandshakeMs
    cancel = timers.after(handshakeMs, fail('no TLS handshake in time'))
  })
  try {
    if (options.signal?.aborted === true) aborted()
    await once(socket, 'secureConnect')
  } finally {
    cancel()
    options.signal?.removeEventListener('abort', aborted)
  }
}
