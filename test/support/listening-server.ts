import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** An HTTP server of the test's that cuts whatever is open when it is disposed of. */
export interface ListeningServer extends AsyncDisposable {
  readonly server: Server
  readonly port: number
}

export async function startHttpServer(
  onRequest: RequestListener,
  host = '127.0.0.1',
): Promise<ListeningServer> {
  const server = createServer(onRequest).listen(0, host)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const close = async (): Promise<void> => {
    const closed = once(server, 'close')
    server.close()
    server.closeAllConnections()
    await closed
  }
  return { server, port, [Symbol.asyncDispose]: close }
}
