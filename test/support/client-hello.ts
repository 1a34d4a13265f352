import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { connect } from 'node:tls'
import { alpnProtocol } from '../../src/tunnel/tls-options.ts'

/** The first flight of a client of ours, taken off the wire. */
export async function clientHello(): Promise<Buffer> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = connect({
    host: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    minVersion: 'TLSv1.3',
    ALPNProtocols: [alpnProtocol],
  })
  client.on('error', () => undefined)
  const [socket] = (await once(server, 'connection')) as [Socket]
  const [bytes] = (await once(socket, 'data')) as [Buffer]
  client.destroy()
  socket.destroy()
  server.close()
  await once(server, 'close')
  return bytes
}
