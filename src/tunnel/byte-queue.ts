const firstBlockBytes = 1024
const largestBlockBytes = 64 * 1024

interface Block {
  readonly buffer: Buffer
  from: number
  to: number
}

/**
 * Bytes kept for later, copied into blocks of our own: a peer that sends single bytes can make us
 * hold a few times what it sent, and never the whole received record that each byte came in.
 */
export class ByteQueue {
  #blocks: Block[] = []
  #size = 0

  get size(): number {
    return this.#size
  }

  append(bytes: Buffer, from = 0, to: number = bytes.length): void {
    let at = from
    while (at < to) {
      const tail = this.#tail(to - at)
      const count = Math.min(to - at, tail.buffer.length - tail.to)
      bytes.copy(tail.buffer, tail.to, at, at + count)
      tail.to += count
      at += count
    }
    this.#size += to - from
  }

  /** Takes the next bytes, at most `most` of them, without copying; undefined when there are none. */
  shift(most: number): Buffer | undefined {
    const head = this.#blocks[0]
    if (head === undefined || most <= 0) return undefined
    const bytes = head.buffer.subarray(head.from, Math.min(head.to, head.from + most))
    head.from += bytes.length
    this.#size -= bytes.length
    // What was handed out is never written over: appending only goes behind it.
    if (head.from === head.to) this.#blocks.shift()
    return bytes
  }

  /** A copy of the first `count` bytes, left where they are; undefined while there are fewer. */
  peek(count: number): Buffer | undefined {
    if (this.#size < count) return undefined
    const out = Buffer.allocUnsafe(count)
    let filled = 0
    for (const block of this.#blocks) {
      filled += block.buffer.copy(
        out,
        filled,
        block.from,
        Math.min(block.to, block.from + count - filled),
      )
      if (filled === count) break
    }
    return out
  }

  discard(count: number): void {
    for (let left = count; left > 0;) {
      const bytes = this.shift(left)
      if (bytes === undefined) throw new Error('BUG: discarding more than the queue holds')
      left -= bytes.length
    }
  }

  clear(): void {
    this.#blocks = []
    this.#size = 0
  }

  /** The block with room at its end, or a new one: as large as needed, and at least twice the last. */
  #tail(needed: number): Block {
    const last = this.#blocks.at(-1)
    if (last !== undefined && last.to < last.buffer.length) return last
    const least = last === undefined ? firstBlockBytes : last.buffer.length * 2
    const size = Math.min(largestBlockBytes, Math.max(least, needed))
    const block = { buffer: Buffer.allocUnsafe(size), from: 0, to: 0 }
    this.#blocks.push(block)
    return block
  }
}
