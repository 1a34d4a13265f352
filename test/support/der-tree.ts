/** DER as a tree that can be written back wrongly: what the strict decoders must refuse. */
export interface DerNode {
  tag: number
  /** Children of a constructed element, content octets of any other. */
  content: DerNode[] | Buffer
  /** How to write the length. */
  length: 'shortest' | 'long-form' | 'leading-zero' | 'indefinite'
}

/** Reads well-formed DER with short tags; not strict, for the tests' own output only. */
export function readTree(der: Buffer): DerNode {
  const [node, ...more] = readAll(der)
  if (node === undefined || more.length > 0) throw new Error('expected one element')
  return node
}

function readAll(bytes: Buffer): DerNode[] {
  const nodes: DerNode[] = []
  for (let at = 0; at < bytes.length;) {
    const tag = bytes.readUInt8(at)
    const first = bytes.readUInt8(at + 1)
    const octets = first < 0x80 ? 0 : first & 0x7f
    const length = octets === 0 ? first : bytes.readUIntBE(at + 2, octets)
    const start = at + 2 + octets
    const content = bytes.subarray(start, start + length)
    nodes.push({
      tag,
      content: (tag & 0x20) === 0 ? content : readAll(content),
      length: 'shortest',
    })
    at = start + length
  }
  return nodes
}

export function writeTree({ tag, content, length }: DerNode): Buffer {
  const bytes = Array.isArray(content) ? Buffer.concat(content.map(writeTree)) : content
  if (length === 'indefinite') return Buffer.concat([Buffer.of(tag, 0x80), bytes, Buffer.alloc(2)])
  return Buffer.concat([Buffer.of(tag), lengthOctets(bytes.length, length), bytes])
}

function lengthOctets(length: number, form: DerNode['length']): Buffer {
  const digits = length.toString(16)
  const shortest = Buffer.from(digits.padStart(digits.length + (digits.length % 2), '0'), 'hex')
  if (form === 'shortest' && length < 0x80) return shortest
  // Beyond 127 the long form is the shortest, and a leading zero makes it wrong.
  const zero = form === 'leading-zero' || (form === 'long-form' && length >= 0x80)
  const octets = zero ? Buffer.concat([Buffer.of(0), shortest]) : shortest
  return Buffer.concat([Buffer.of(0x80 | octets.length), octets])
}

/** Every node, the root first. */
export function nodesOf(root: DerNode): DerNode[] {
  return [root, ...(Array.isArray(root.content) ? root.content.flatMap(nodesOf) : [])]
}
