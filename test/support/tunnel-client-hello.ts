import { alpnProtocol } from '../../src/tunnel/tls-options.ts'
import { helloOf } from './client-hello.ts'

/** The first flight of a client of ours. */
export async function clientHello(): Promise<Buffer> {
  return await helloOf({ minVersion: 'TLSv1.3', ALPNProtocols: [alpnProtocol] })
}
