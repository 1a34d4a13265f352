import { Refusal } from './refusal.ts'

/** What bounds the reading of BER: each is checked before anything is done for what lies beyond it. */
export interface BerLimits {
  readonly maxBytes: number
  readonly maxDepth: number
  readonly maxElements: number
}

/** A real document is about 1.2 kB, 11 levels and 70 elements. */
export const berLimits: BerLimits = { maxBytes: 16 * 1024, maxDepth: 20, maxElements: 512 }

/** One element. Its buffers share memory with the input. */
export interface BerElement {
  /** The identifier octet: class, constructed bit, number. */
  readonly tag: number
  /** Content octets; without the end marker where the length is indefinite. */
  readonly content: Buffer
  /** What a constructed element is made of; empty for a primitive one. */
  readonly children: readonly BerElement[]
  /** Identifier, length and content as they came. */
  readonly bytes: Buffer
}

const constructed = 0x20
const octetString = 0x04
const maxLengthOctets = 4

/**
 * Reads exactly one BER element (X.690 8), whose lengths may be indefinite or longer than they need
 * to be: AWS signs with indefinite lengths. Throws `Refusal`.
 */
export function readBer(bytes: Buffer, limits: BerLimits = berLimits): BerElement {
  if (bytes.length > limits.maxBytes) {
    throw new Refusal(
      'too-large',
      `expected at most ${String(limits.maxBytes)} bytes, got ${String(bytes.length)}`,
    )
  }
  const parser = new BerParser(bytes, limits)
  const root = parser.element(bytes.length, 1)
  if (parser.at < bytes.length) {
    throw new Refusal(
      'trailing-bytes',
      `${String(bytes.length - parser.at)} bytes after the end of the structure`,
    )
  }
  return root
}

/**
 * The octets of an OCTET STRING, put together where it is constructed; always a copy, so that what
 * was verified stays what it was. Throws `Refusal`.
 */
export function octetsOf(element: BerElement): Buffer {
  return Buffer.concat(octetPieces(element))
}

function octetPieces(element: BerElement): Buffer[] {
  if (element.tag === octetString) return [element.content]
  if (element.tag === (octetString | constructed)) return element.children.flatMap(octetPieces)
  throw new Refusal('malformed-encoding', `expected an OCTET STRING, got tag ${hex(element.tag)}`)
}

class BerParser {
  readonly #bytes: Buffer
  readonly #limits: BerLimits
  #elements = 0
  at = 0

  constructor(bytes: Buffer, limits: BerLimits) {
    this.#bytes = bytes
    this.#limits = limits
  }

  /** Reads the element at `at`, which must end at `end` or before it. */
  element(end: number, depth: number): BerElement {
    this.#count(depth)
    const start = this.at
    const tag = this.#octet(end)
    if (tag === 0) throw malformed('an end marker where none belongs')
    if ((tag & 0x1f) === 0x1f) throw malformed('a tag of more than one octet')
    const length = this.#length(end)
    const contentStart = this.at
    if (length === undefined) {
      if ((tag & constructed) === 0) throw malformed('a primitive element of indefinite length')
      return this.#indefinite({ tag, start, contentStart, end, depth })
    }
    const contentEnd = contentStart + length
    if (contentEnd > end) throw this.#tooShort(contentEnd)
    const children = (tag & constructed) === 0 ? [] : this.#children(contentEnd, depth)
    this.at = contentEnd
    return this.#made(tag, children, [start, contentStart, contentEnd, contentEnd])
  }

  #children(end: number, depth: number): BerElement[] {
    const children: BerElement[] = []
    while (this.at < end) children.push(this.element(end, depth + 1))
    return children
  }

  #indefinite(open: {
    readonly tag: number
    readonly start: number
    readonly contentStart: number
    readonly end: number
    readonly depth: number
  }): BerElement {
    const { tag, start, contentStart, end, depth } = open
    const children: BerElement[] = []
    while (!this.#isEndMarker(end)) children.push(this.element(end, depth + 1))
    const contentEnd = this.at
    this.at += 2
    return this.#made(tag, children, [start, contentStart, contentEnd, this.at])
  }

  #isEndMarker(end: number): boolean {
    if (this.at >= end) throw this.#tooShort(this.at + 1)
    if (this.#bytes[this.at] !== 0) return false
    if (this.at + 1 >= end) throw this.#tooShort(this.at + 2)
    if (this.#bytes[this.at + 1] !== 0) throw malformed('an end marker that is not 00 00')
    return true
  }

  #made(
    tag: number,
    children: readonly BerElement[],
    [start, contentStart, contentEnd, end]: readonly [number, number, number, number],
  ): BerElement {
    return {
      tag,
      content: this.#bytes.subarray(contentStart, contentEnd),
      children,
      bytes: this.#bytes.subarray(start, end),
    }
  }

  #count(depth: number): void {
    const { maxDepth, maxElements } = this.#limits
    if (depth > maxDepth) {
      throw new Refusal('too-deep', `nested deeper than ${String(maxDepth)} levels`)
    }
    this.#elements++
    if (this.#elements > maxElements) {
      throw new Refusal('too-many-elements', `more than ${String(maxElements)} elements`)
    }
  }

  /** Undefined for an indefinite length. */
  #length(end: number): number | undefined {
    const first = this.#octet(end)
    if (first < 0x80) return first
    if (first === 0x80) return undefined
    const octets = first & 0x7f
    if (octets > maxLengthOctets) throw malformed(`a length of ${String(octets)} octets`)
    let length = 0
    for (let n = 0; n < octets; n++) length = length * 256 + this.#octet(end)
    return length
  }

  #octet(end: number): number {
    if (this.at >= end) throw this.#tooShort(this.at + 1)
    const octet = this.#bytes[this.at] ?? 0
    this.at++
    return octet
  }

  /** An element that outgrows the input was cut off; one that outgrows its parent only is a contradiction. */
  #tooShort(needed: number): Refusal {
    const have = this.#bytes.length
    if (needed <= have) return malformed('an element that is longer than the one it is in')
    return new Refusal(
      'truncated',
      `expected ${String(needed)} bytes or more, got ${String(have)}: is it the whole blob?`,
    )
  }
}

function malformed(what: string): Refusal {
  return new Refusal('malformed-encoding', `not BER: ${what}`)
}

function hex(tag: number): string {
  return `0x${tag.toString(16).padStart(2, '0')}`
}
