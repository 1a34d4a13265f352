import type { DnsMessage } from './dns-message.ts'
import { connectSeconds, longestTtl } from './learned-names.ts'

const optionsRecord = 41
const answerFlag = 0x8000
const recursionAvailable = 0x80
const serverFailure = 2
/** The flag "recursion desired", which an answer repeats. */
const repeatedFlags = 0x0100
const mostSeconds = longestTtl - connectSeconds

/**
 * The answer as the program gets it: under its own id, and with no record living longer than its name
 * is known here, so that whoever keeps answers asks again in time.
 */
export function capLives(answer: DnsMessage, id: number): Buffer {
  const bytes = Buffer.from(answer.bytes)
  bytes.writeUInt16BE(id, 0)
  for (const { type, ttl, ttlAt } of [...answer.answers, ...answer.others]) {
    // There the place of the TTL holds flags.
    if (type !== optionsRecord) bytes.writeUInt32BE(Math.min(ttl, mostSeconds), ttlAt)
  }
  return bytes
}

/** What a query gets that nobody answers (`SERVFAIL`). */
export function failureFor({ bytes, id, question }: DnsMessage): Buffer {
  const failure = Buffer.from(bytes.subarray(0, question.end))
  failure.fill(0, 0, 12)
  failure.writeUInt16BE(id, 0)
  const repeated = bytes.readUInt16BE(2) & repeatedFlags
  failure.writeUInt16BE(answerFlag | repeated | recursionAvailable | serverFailure, 2)
  failure.writeUInt16BE(1, 4)
  return failure
}
