/**
 * Frees the memory of bytes that came from a socket and that nobody needs any more. Left to the
 * collector, what is read in bulk piles up until the whole heap is looked through for it. A read has
 * memory of its own, if not always all of it; short buffers that Node takes out of its pool are left.
 */
export function freeMemory({ buffer, byteOffset, byteLength }: Buffer): void {
  if (!(buffer instanceof ArrayBuffer) || byteOffset !== 0) return
  const isPooled = byteLength < buffer.byteLength && byteLength <= Buffer.poolSize / 2
  if (!isPooled) buffer.transfer(0)
}
