import { isUtf8 } from 'node:buffer'
import { IdentityError } from './identity-error.ts'

/** Identifier octets of the universal types we use. */
export const derTag = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  enumerated: 0x0a,
  utf8String: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const

const constructed = 0x20
const deepest = 16

interface Header {
  readonly tag: number
  readonly contentStart: number
  readonly end: number
}

/**
 * Reads DER (X.690 10) and nothing laxer: one-byte tags, definite lengths in their shortest form,
 * at most 16 levels. Every method throws `ERR_DER`; buffers it returns share memory with the input.
 */
export class DerReader {
  readonly #bytes: Buffer
  readonly #end: number
  readonly #depth: number
  #at: number

  private constructor(bytes: Buffer, at: number, end: number, depth: number) {
    this.#bytes = bytes
    this.#at = at
    this.#end = end
    this.#depth = depth
  }

  /** Refuses an input beyond `maxBytes` before it looks at it. */
  static open(bytes: Buffer, maxBytes: number): DerReader {
    if (bytes.length > maxBytes) {
      throw fault(`expected at most ${String(maxBytes)} bytes of DER, got ${String(bytes.length)}`)
    }
    return new DerReader(bytes, 0, bytes.length, 0)
  }

  isDone(): boolean {
    return this.#at === this.#end
  }

  /** The tag of the next element, undefined at the end. */
  peekTag(): number | undefined {
    return this.isDone() ? undefined : this.#bytes[this.#at]
  }

  /** Throws unless everything was read. */
  finish(): void {
    if (!this.isDone()) throw fault(`${String(this.#end - this.#at)} bytes too many`)
  }

  /** Goes into a constructed element; the caller calls `finish()` on what it gets. */
  enter(tag: number): DerReader {
    if ((tag & constructed) === 0) throw new Error(`BUG: tag ${hex(tag)} is not constructed`)
    if (this.#depth === deepest) throw fault(`nested deeper than ${String(deepest)}`)
    const header = this.#next(tag)
    return new DerReader(this.#bytes, header.contentStart, header.end, this.#depth + 1)
  }

  /** Goes into a SEQUENCE, and checks that `read` took all of it. */
  sequence<T>(read: (content: DerReader) => T): T {
    const content = this.enter(derTag.sequence)
    const value = read(content)
    content.finish()
    return value
  }

  /** The content octets of the next element, which must have this tag. */
  content(tag: number): Buffer {
    const header = this.#next(tag)
    return this.#bytes.subarray(header.contentStart, header.end)
  }

  /** The next element whole: tag, length and content. */
  element(tag?: number): Buffer {
    const start = this.#at
    const header = this.#next(tag)
    return this.#bytes.subarray(start, header.end)
  }

  /** The content octets of an INTEGER that is not negative, in shortest form, sign octet included. */
  unsignedBytes(tag: number = derTag.integer): Buffer {
    const { contentStart, end } = this.#nextUnsigned(tag)
    return this.#bytes.subarray(contentStart, end)
  }

  /** A number from 0 to 2^53 - 1. */
  unsigned(tag: number = derTag.integer): number {
    const { contentStart, end } = this.#nextUnsigned(tag)
    let value = 0
    for (let at = contentStart; at < end; at++) value = value * 256 + (this.#bytes[at] ?? 0)
    if (end - contentStart > 7 || value > Number.MAX_SAFE_INTEGER) {
      throw fault('expected a number below 2^53')
    }
    return value
  }

  #nextUnsigned(tag: number): Header {
    const header = this.#next(tag)
    const first = this.#bytes[header.contentStart] ?? 0
    const length = header.end - header.contentStart
    if (length === 0) throw fault('a number without content')
    if (first >= 0x80) throw fault('expected a number that is not negative')
    if (first === 0 && length > 1 && (this.#bytes[header.contentStart + 1] ?? 0) < 0x80) {
      throw fault('a number with a leading zero octet')
    }
    return header
  }

  /** BOOLEAN, where true is 0xff only (X.690 11.1). */
  boolean(): boolean {
    const content = this.content(derTag.boolean)
    if (content.length !== 1 || (content[0] !== 0 && content[0] !== 0xff)) {
      throw fault('expected a BOOLEAN of 00 or ff')
    }
    return content[0] === 0xff
  }

  octets(length: number): Buffer {
    const content = this.content(derTag.octetString)
    if (content.length !== length) {
      throw fault(`expected ${String(length)} octets, got ${String(content.length)}`)
    }
    return content
  }

  /** UTF8String of well-formed UTF-8; a byte order mark stays what it is. */
  utf8(): string {
    const { contentStart, end } = this.#next(derTag.utf8String)
    const text = this.#bytes.toString('utf8', contentStart, end)
    // The decoder puts U+FFFD where the bytes were wrong; only then is it worth a second look.
    if (text.includes('\ufffd') && !isUtf8(this.#bytes.subarray(contentStart, end))) {
      throw fault('expected well-formed UTF-8')
    }
    return text
  }

  #next(expected: number | undefined): Header {
    const header = this.#header()
    if (expected !== undefined && header.tag !== expected) {
      throw fault(`expected tag ${hex(expected)}, got ${hex(header.tag)}`)
    }
    this.#at = header.end
    return header
  }

  #header(): Header {
    const tag = this.#octet(this.#at)
    if ((tag & 0x1f) === 0x1f) throw fault('a tag of more than one octet')
    const first = this.#octet(this.#at + 1)
    const lengthOctets = first < 0x80 ? 0 : first & 0x7f
    const contentStart = this.#at + 2 + lengthOctets
    const length = lengthOctets === 0 && first < 0x80 ? first : this.#longLength(lengthOctets)
    if (length > this.#end - contentStart) {
      throw fault(`${String(length)} bytes announced, ${String(this.#end - contentStart)} left`)
    }
    return { tag, contentStart, end: contentStart + length }
  }

  #longLength(octets: number): number {
    if (octets === 0) throw fault('an indefinite length')
    if (octets > 3) throw fault('a length of more than three octets')
    let length = 0
    for (let n = 0; n < octets; n++) length = length * 256 + this.#octet(this.#at + 2 + n)
    if (length < 0x80 || length < 256 ** (octets - 1)) throw fault('a length not in shortest form')
    return length
  }

  #octet(at: number): number {
    if (at >= this.#end) throw fault('ends too early')
    return this.#bytes[at] ?? 0
  }
}

function fault(message: string): IdentityError {
  return new IdentityError('ERR_DER', `not canonical DER: ${message}`)
}

function hex(tag: number): string {
  return `0x${tag.toString(16).padStart(2, '0')}`
}
