import { readDnsName } from './dns-name-reader.ts'

/** The types of records that say where a name is. */
export const recordTypes = { a: 1, cname: 5, aaaa: 28 } as const

/** The class `IN`: names of the internet. */
export const internetClass = 1

/** What a message asks. */
export interface DnsQuestion {
  /** Undefined for a name that no host has. */
  readonly name: string | undefined
  readonly type: number
  readonly class: number
  /** The name as it stands in the message, with its letters in lower case. */
  readonly nameBytes: Buffer
  /** Where the message goes on behind it. */
  readonly end: number
}

export interface DnsRecord {
  readonly owner: string | undefined
  readonly type: number
  readonly class: number
  /** In seconds; 0 where the uppermost bit is set (RFC 2181, section 8). */
  readonly ttl: number
  readonly ttlAt: number
  readonly dataAt: number
  readonly dataEnd: number
  /** Of an alias: the name that it stands for, if that is one that a host has. */
  readonly target: string | undefined
}

/** One message, read as far as it takes to see what it asks and answers. */
export interface DnsMessage {
  readonly bytes: Buffer
  readonly id: number
  readonly isAnswer: boolean
  /** 0: a plain query. */
  readonly operation: number
  readonly isTruncated: boolean
  /** 0: no error. */
  readonly code: number
  readonly question: DnsQuestion
  /** Of the section "answer". */
  readonly answers: readonly DnsRecord[]
  /** Of the other sections. */
  readonly others: readonly DnsRecord[]
}

const headerBytes = 12
const mostTtl = 0x7fff_ffff

/** Reads a message with exactly one question; undefined for anything else, and for what has bytes left over. */
export function readDnsMessage(bytes: Buffer): DnsMessage | undefined {
  if (bytes.length < headerBytes || bytes.readUInt16BE(4) !== 1) return undefined
  try {
    return readParts(bytes)
  } catch (error: unknown) {
    // A length or a pointer that leads out of the message.
    if (error instanceof RangeError) return undefined
    throw error
  }
}

function readParts(bytes: Buffer): DnsMessage | undefined {
  const flags = bytes.readUInt16BE(2)
  const question = readQuestion(bytes)
  const answers = readRecords(bytes, question.end, bytes.readUInt16BE(6))
  const othersCount = bytes.readUInt16BE(8) + bytes.readUInt16BE(10)
  const others = readRecords(bytes, answers.end, othersCount)
  if (others.end !== bytes.length) return undefined
  return {
    bytes,
    id: bytes.readUInt16BE(0),
    isAnswer: (flags & 0x8000) !== 0,
    operation: (flags >> 11) & 0xf,
    isTruncated: (flags & 0x0200) !== 0,
    code: flags & 0xf,
    question,
    answers: answers.records,
    others: others.records,
  }
}

function readQuestion(bytes: Buffer): DnsQuestion {
  const { name, end } = readDnsName(bytes, headerBytes)
  return {
    name,
    type: bytes.readUInt16BE(end),
    class: bytes.readUInt16BE(end + 2),
    nameBytes: lowerCase(bytes.subarray(headerBytes, end)),
    end: end + 4,
  }
}

function readRecords(
  bytes: Buffer,
  start: number,
  count: number,
): { readonly records: readonly DnsRecord[]; readonly end: number } {
  const records: DnsRecord[] = []
  let at = start
  for (let index = 0; index < count; index++) {
    const { name: owner, end } = readDnsName(bytes, at)
    const written = bytes.readUInt32BE(end + 4)
    const dataAt = end + 10
    const dataEnd = dataAt + bytes.readUInt16BE(end + 8)
    if (dataEnd > bytes.length) throw new RangeError('a record beyond the message')
    const type = bytes.readUInt16BE(end)
    records.push({
      owner,
      type,
      class: bytes.readUInt16BE(end + 2),
      ttl: written > mostTtl ? 0 : written,
      ttlAt: end + 4,
      dataAt,
      dataEnd,
      target: type === recordTypes.cname ? readTarget(bytes, dataAt, dataEnd) : undefined,
    })
    at = dataEnd
  }
  return { records, end: at }
}

function readTarget(bytes: Buffer, dataAt: number, dataEnd: number): string | undefined {
  const { name, end } = readDnsName(bytes, dataAt)
  if (end !== dataEnd) throw new RangeError('an alias that is not exactly a name')
  return name
}

/** Lengths of labels are below the letters, so they stay what they are. */
function lowerCase(bytes: Buffer): Buffer {
  return Buffer.from(bytes.map((byte) => (byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte)))
}
