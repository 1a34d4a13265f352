import { randomFillSync } from 'node:crypto'

const flowIdBytes = 16
/** So many ids are drawn at once: a draw costs as much as a connection's verdict, whatever its size. */
const idsInPool = 256

const pool = Buffer.alloc(flowIdBytes * idsInPool)
let used = pool.length

/** A new random id for one flow, hex. As bytes it would keep the whole slab of Node's that they are cut from. */
export function createFlowId(): string {
  if (used === pool.length) {
    randomFillSync(pool)
    used = 0
  }
  used += flowIdBytes
  return pool.toString('hex', used - flowIdBytes, used)
}
