/** A name out of a DNS message. */
export interface NameRead {
  /** Lower case, without a dot at its end; undefined where a label has bytes that no host name has. */
  readonly name: string | undefined
  /** Where the message goes on behind the name. */
  readonly end: number
}

const longestName = 255
const mostPointers = 16
const headerBytes = 12
const label = /^[a-z0-9_-]{1,63}$/
const pointerBits = 0xc0

/**
 * Reads a name, compressed or not. A label with a dot in it would read like two, so such a name is
 * none. Throws `RangeError` for what is no name at all: beyond the message, too long, or with pointers
 * that do not point backwards or are too many.
 */
export function readDnsName(message: Buffer, start: number): NameRead {
  const labels: string[] = []
  let isHostName = true
  let length = 1
  let end: number | undefined
  let furthest = start
  let pointers = 0
  for (let at = start; ;) {
    const size = message.readUInt8(at)
    if (size === 0) return { name: nameOf(labels, isHostName), end: end ?? at + 1 }
    if ((size & pointerBits) === pointerBits) {
      end ??= at + 2
      at = message.readUInt16BE(at) & 0x3fff
      // Ever further back, so that no chain of pointers goes round in circles.
      const isBack = at >= headerBytes && at < furthest
      if (!isBack || ++pointers > mostPointers) throw new RangeError('a pointer too many')
      furthest = at
      continue
    }
    if ((size & pointerBits) !== 0) throw new RangeError('a label of an unknown kind')
    length += size + 1
    const next = at + 1 + size
    if (length > longestName || next > message.length) throw new RangeError('a name too long')
    const text = message.toString('latin1', at + 1, next).toLowerCase()
    isHostName &&= label.test(text)
    labels.push(text)
    at = next
  }
}

function nameOf(labels: readonly string[], isHostName: boolean): string | undefined {
  return isHostName && labels.length > 0 ? labels.join('.') : undefined
}
