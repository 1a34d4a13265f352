import { connect, type Socket, type TcpNetConnectOpts } from 'node:net'
import { freeMemory } from '../base/free-memory.ts'

/** Takes what was read: when it returns, the bytes are written over or their memory is free. */
type Take = (bytes: Buffer) => void

/** One for all sockets: what is read is taken at once, so that an idle socket keeps no memory for it. */
const buffer = Buffer.allocUnsafeSlow(256 * 1024)
const readers = new WeakMap<Socket, { take: Take | undefined }>()

/** Like `net.connect`, but what comes in is only to be had by `takeReads`. */
export function connectForSharedReads(options: TcpNetConnectOpts): Socket {
  const reader: { take: Take | undefined } = { take: undefined }
  const callback = (count: number): boolean => {
    if (reader.take === undefined) throw new Error('BUG: a socket is read before somebody takes it')
    reader.take(buffer.subarray(0, count))
    return true
  }
  const socket = connect({ ...options, onread: { buffer, callback } })
  readers.set(socket, reader)
  return socket
}

/** Hears of everything that is read from a socket, whether it has memory of its own or the shared one. */
export function takeReads(socket: Socket, take: Take): void {
  const reader = readers.get(socket)
  if (reader !== undefined) reader.take = take
  else {
    socket.on('data', (bytes: Buffer) => {
      take(bytes)
      freeMemory(bytes)
    })
  }
}
