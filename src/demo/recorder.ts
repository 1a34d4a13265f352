import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import type { HostPort } from '../base/env.ts'

/** A TCP relay that keeps what passes through it, as someone on the wire would. */
export interface Tap extends AsyncDisposable {
  readonly address: HostPort
  /** What there is of it so far, and whether a text is in it. */
  recorded(marker?: string): Promise<Recorded>
}

export interface Recorded {
  /** Bytes that passed, both ways; more than are kept once the recording is full. */
  readonly bytes: number
  readonly connections: number
  /** Whether any connection carried the text that was asked for, in either direction. */
  readonly carried: boolean
  /** Whether bytes were let go unrecorded, so that `carried` proves nothing any more. */
  readonly overflowed: boolean
}

const mostKept = 16 * 1024 * 1024

/** Relays `listen` to `to`; the recording lives in memory, 16 MiB at most. */
export async function createTap(options: {
  readonly listen: HostPort
  readonly to: HostPort
}): Promise<Tap> {
  const recordings: Buffer[][] = [] // one per connection and direction
  const sockets = new Set<Socket>()
  let bytes = 0
  let connections = 0

  const copy = (from: Socket, to: Socket): void => {
    const recording: Buffer[] = []
    recordings.push(recording)
    from.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes <= mostKept) recording.push(chunk)
      if (!to.write(chunk)) from.pause()
    })
    to.on('drain', () => from.resume())
    from.on('end', () => to.end())
    from.on('error', () => to.resetAndDestroy())
    from.on('close', () => {
      sockets.delete(from)
      to.destroySoon()
    })
  }

  const server = createServer({ allowHalfOpen: true }, (inbound) => {
    connections += 1
    const outbound = connect({ ...options.to, allowHalfOpen: true })
    sockets.add(inbound).add(outbound)
    copy(inbound, outbound)
    copy(outbound, inbound)
  })
  server.listen({ ...options.listen })
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo

  return {
    address: { host: options.listen.host, port },
    recorded: async (marker = '') => ({
      ...{ bytes, connections, overflowed: bytes > mostKept },
      carried: recordings.some((chunks) => Buffer.concat(chunks).includes(marker)),
    }),
    [Symbol.asyncDispose]: () => close(server, sockets),
  }
}

async function close(server: Server, sockets: ReadonlySet<Socket>): Promise<void> {
  if (!server.listening) return
  const closed = once(server, 'close')
  server.close()
  for (const socket of sockets) socket.destroy()
  await closed
}
