import { Duplex } from 'node:stream'
import { connect, type ConnectionOptions } from 'node:tls'

/** The first flight of Node's own client. */
export async function helloOf(options: ConnectionOptions): Promise<Buffer> {
  const { promise, resolve } = Promise.withResolvers<Buffer>()
  const wire = new Duplex({
    read: () => undefined,
    write: (bytes: Buffer, _encoding, done) => {
      resolve(bytes)
      done()
    },
  })
  const socket = connect({ socket: wire, ...options })
  socket.on('error', () => undefined)
  const bytes = await promise
  socket.destroy()
  return bytes
}
