import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** Bytes of buffers that something still refers to. */
export function keptBufferBytes(): number {
  collectGarbage()
  return process.memoryUsage().arrayBuffers
}
