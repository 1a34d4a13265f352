import { once } from 'node:events'
import { connect } from 'node:net'
import {
  datagramGatePath,
  decodeSeenDatagrams,
  encodeDatagramTable,
  linesOf,
  type DatagramTable,
  type SeenDatagrams,
} from '../../base/datagram-table.ts'
import { loadLibc, peerAccountOf } from '../../sys/index.ts'

/** The way to the gate for datagrams of this network namespace. */
export interface GateLink extends Disposable {
  /** Puts a table in force in the place of the former; rejects where that may not be so. */
  exchange(table: DatagramTable): Promise<readonly SeenDatagrams[]>
}

/** Longer than it takes from one table to the next. */
const silenceMs = 10_000

/** Rejects where there is no gate, or where it is not root's: a workload may have taken its name. */
export async function openGateLink(onClose: () => void, signal: AbortSignal): Promise<GateLink> {
  const libc = await loadLibc()
  const socket = connect({ path: datagramGatePath, signal })
  try {
    await once(socket, 'connect')
    const uid = peerAccountOf(libc, socket)?.uid
    if (uid !== 0) throw new Error(`expected the gate of root, got one of uid ${String(uid)}`)
  } catch (error: unknown) {
    socket.destroy()
    throw error
  }
  socket.on('error', () => undefined) // told by its close
  socket.once('close', onClose)
  socket.setTimeout(silenceMs, () => socket.destroy())
  const lines = linesOf(socket)
  return {
    exchange: async (table) => {
      socket.write(`${encodeDatagramTable(table)}\n`)
      const answer = await lines.next()
      if (answer.done === true) throw new Error('the gate has closed the connection')
      return decodeSeenDatagrams(answer.value)
    },
    [Symbol.dispose]: () => {
      socket.destroy()
    },
  }
}
