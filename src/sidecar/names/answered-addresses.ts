import { addressText } from '../../tunnel/endpoint.ts'
import { internetClass, recordTypes, type DnsMessage, type DnsRecord } from './dns-message.ts'

/** What an answer says of the name that was asked about. */
export interface AnsweredAddresses {
  readonly name: string
  /** In canonical form. */
  readonly addresses: readonly string[]
  /** The shortest of the records that led there, in seconds. */
  readonly ttl: number
}

const mostAliases = 16
const mostAddresses = 64
const addressLengths: ReadonlyMap<number, number> = new Map([
  [recordTypes.a, 4],
  [recordTypes.aaaa, 16],
])

/**
 * The addresses that a whole answer gives to the name it was asked for, itself or by its aliases.
 * Records about any other name are about nobody: who serves one name has no say in another.
 */
export function answeredAddresses(message: DnsMessage): AnsweredAddresses | undefined {
  const { question, answers, code, isTruncated } = message
  if (question.name === undefined || question.class !== internetClass) return undefined
  if (code !== 0 || isTruncated || !addressLengths.has(question.type)) return undefined
  const ofInternet = answers.filter((record) => record.class === internetClass)
  const aliases = followAliases(ofInternet, question.name)
  if (aliases === undefined) return undefined
  const found = ofInternet
    .filter(({ owner, type }) => owner === aliases.name && type === question.type)
    .filter(({ dataAt, dataEnd, type }) => dataEnd - dataAt === addressLengths.get(type))
    .slice(0, mostAddresses)
  if (found.length === 0) return undefined
  return {
    name: question.name,
    addresses: found.map(({ dataAt, dataEnd }) =>
      addressText(message.bytes.subarray(dataAt, dataEnd)),
    ),
    ttl: Math.min(aliases.ttl, ...found.map(({ ttl }) => ttl)),
  }
}

/** The name at the end of the aliases, and the shortest of their lives; undefined where they never end. */
function followAliases(
  records: readonly DnsRecord[],
  asked: string,
): { readonly name: string; readonly ttl: number } | undefined {
  let name = asked
  let ttl = Infinity
  for (let count = 0; count <= mostAliases; count++) {
    const alias = records.find(({ owner, type }) => owner === name && type === recordTypes.cname)
    if (alias === undefined) return { name, ttl }
    if (alias.target === undefined) return undefined
    name = alias.target
    ttl = Math.min(ttl, alias.ttl)
  }
  return undefined
}
