import { Duplex } from 'node:stream'
import { connect, type ConnectionOptions } from 'node:tls'
import { alpnProtocol } from '../../src/tunnel/tls-options.ts'

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

/** The first flight of a client of ours. */
export async function clientHello(): Promise<Buffer> {
  return await helloOf({ minVersion: 'TLSv1.3', ALPNProtocols: [alpnProtocol] })
}
