import type { Socket } from 'node:net'
import type { Tunnel } from '../../tunnel/index.ts'
import { connectApplication } from '../application.ts'
import { resetSocket } from '../socket-ending.ts'
import { isSameProof, proofsOf, type ClearConnection } from './clear-proof.ts'
import { readProofFrom } from './preamble-socket.ts'

/**
 * Makes the connection in clear that was agreed on, to the pair that the tunnel was dialled to, and
 * proves it both ways. Undefined where it cannot be made, or the other side is not who is at the end of
 * the tunnel; nothing of the program's has been sent then.
 */
export async function dialClear(
  tunnel: Tunnel,
  connection: ClearConnection,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Socket | undefined> {
  const proofs = proofsOf(tunnel, connection)
  if (proofs === undefined) return undefined
  const { address: host, port } = tunnel.localEndpoint
  const socket = await connectApplication({ host, port }, { timeoutMs, signal, reads: 'own' })
  if (typeof socket === 'string') return undefined
  socket.write(proofs.preamble)
  const abort = (): void => {
    socket.destroy()
  }
  signal.addEventListener('abort', abort, { once: true })
  const proof = await readProofFrom(socket, timeoutMs)
  signal.removeEventListener('abort', abort)
  if (proof !== undefined && isSameProof(proof, proofs.ofAcceptor)) return socket
  resetSocket(socket)
  return undefined
}
