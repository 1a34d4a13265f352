import { oidText } from '../../identity/oid.ts'
import { derTag } from '../../identity/der.ts'
import type { BerElement } from './ber.ts'
import { Refusal } from './refusal.ts'

const printableString = 0x13
const ia5String = 0x16
const stringTags: ReadonlySet<number> = new Set([derTag.utf8String, printableString, ia5String])

/** By the hex of the OID's content octets. */
const shortNames: ReadonlyMap<string, string> = new Map([
  ['550403', 'CN'],
  ['550406', 'C'],
  ['550407', 'L'],
  ['550408', 'ST'],
  ['55040a', 'O'],
  ['55040b', 'OU'],
])

/**
 * A Name as text in its own order, such as `C=US, ST=Washington State`: the type of string it is
 * spelled in does not matter (RFC 5280 7.1). Throws `malformed-signed-data`.
 */
export function nameText(name: BerElement): string {
  return children(name, derTag.sequence).map(relativeName).join(', ')
}

function relativeName(element: BerElement): string {
  const [attribute, ...more] = children(element, derTag.set)
  if (attribute === undefined || more.length > 0) throw malformed()
  const [type, value, ...rest] = children(attribute, derTag.sequence)
  if (type?.tag !== derTag.oid || value === undefined || rest.length > 0) throw malformed()
  if (!stringTags.has(value.tag)) throw malformed()
  const short = shortNames.get(type.content.toString('hex'))
  return `${short ?? oidText(type.content)}=${value.content.toString('utf8').replace(/[,\\]/g, '\\$&')}`
}

function children(element: BerElement, tag: number): readonly BerElement[] {
  if (element.tag !== tag) throw malformed()
  return element.children
}

function malformed(): Refusal {
  return new Refusal('malformed-signed-data', 'expected a distinguished name of plain strings')
}
