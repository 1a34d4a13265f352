import { derTag } from './der.ts'

/** Octets of an element with this many octets of content. */
export function derSize(content: number): number {
  return 2 + lengthOctets(content) + content
}

function lengthOctets(content: number): number {
  return content < 0x80 ? 0 : content < 0x100 ? 1 : content < 0x10000 ? 2 : 3
}

/** Writes identifier and shortest length at `at`, and returns where the content begins. */
export function writeDerHeader(target: Buffer, at: number, tag: number, content: number): number {
  const octets = lengthOctets(content)
  if (content >= 0x1000000) throw new RangeError(`BUG: a DER element of ${String(content)} bytes`)
  target[at] = tag
  target[at + 1] = octets === 0 ? content : 0x80 | octets
  if (octets > 0) target.writeUIntBE(content, at + 2, octets)
  return at + 2 + octets
}

/** One element: identifier octet, shortest length, content. */
export function derElement(tag: number, ...content: readonly Uint8Array[]): Buffer {
  const length = content.reduce((sum, part) => sum + part.length, 0)
  const element = Buffer.allocUnsafe(derSize(length))
  let at = writeDerHeader(element, 0, tag, length)
  for (const part of content) {
    element.set(part, at)
    at += part.length
  }
  return element
}

export function derSequence(...content: readonly Uint8Array[]): Buffer {
  return derElement(derTag.sequence, ...content)
}

export function derSet(...content: readonly Uint8Array[]): Buffer {
  return derElement(derTag.set, ...content)
}

/** INTEGER of a number from 0 to 2^53 - 1. */
export function derUnsigned(value: number): Buffer {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new RangeError(`BUG: ${String(value)} as an unsigned DER integer`)
  }
  const octets = Buffer.alloc(8)
  octets.writeBigUInt64BE(BigInt(value))
  // The octet that begins the number must leave its top bit clear for the sign.
  let start = 7
  while (value >= 2 ** (8 * (8 - start) - 1)) start--
  return derElement(derTag.integer, octets.subarray(start))
}

export function derOctetString(content: Uint8Array): Buffer {
  return derElement(derTag.octetString, content)
}

export function derUtf8(text: string): Buffer {
  return derElement(derTag.utf8String, Buffer.from(text, 'utf8'))
}

/** BIT STRING of whole octets. */
export function derBitString(content: Uint8Array): Buffer {
  return derElement(derTag.bitString, Buffer.of(0), content)
}

/** OBJECT IDENTIFIER from its content octets; see `oidBytes`. */
export function derOid(content: Uint8Array): Buffer {
  return derElement(derTag.oid, content)
}
