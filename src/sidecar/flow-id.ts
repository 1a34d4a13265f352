import { randomFillSync } from 'node:crypto'

const flowIdBytes = 16
/** So many ids are drawn at once: a draw costs as much as a connection's verdict, whatever its size. */
const idsInPool = 256

const pool = Buffer.alloc(flowIdBytes * idsInPool)
let used = pool.length

/** A new random id for one flow; its memory is its own. */
export function createFlowId(): Buffer {
  if (used === pool.length) {
    randomFillSync(pool)
    used = 0
  }
  const id = Buffer.allocUnsafe(flowIdBytes)
  pool.copy(id, 0, used, used + flowIdBytes)
  used += flowIdBytes
  return id
}
