import type { SeenDatagrams } from '../base/datagram-table.ts'
import { countedSets } from './datagram-rules.ts'

type Json = Readonly<Record<string, unknown>>

/**
 * What the kernel's list (`nft -j list table`) says of the sets in which datagrams are counted. What cannot be
 * read there is left out: it decides nothing. Throws for what is no JSON.
 */
export function readCounted(text: string): SeenDatagrams[] {
  return listOf(memberOf(JSON.parse(text), 'nftables'))
    .map((one) => memberOf(one, 'set'))
    .flatMap((set) => {
      const counted = countedSets.find(({ name }) => name === memberOf(set, 'name'))
      if (counted === undefined) return []
      return listOf(memberOf(set, 'elem')).flatMap((one) => elementOf(one, counted.direction))
    })
}

/** `{ elem: { val: ADDRESS or { concat: [ADDRESS, PORT] }, counter: { packets, bytes } } }` */
function elementOf(one: unknown, direction: SeenDatagrams['direction']): SeenDatagrams[] {
  const element = memberOf(one, 'elem')
  const value = memberOf(element, 'val')
  const counter = memberOf(element, 'counter')
  const [packets, bytes] = [memberOf(counter, 'packets'), memberOf(counter, 'bytes')]
  const [address, port] = typeof value === 'string' ? [value, 0] : listOf(memberOf(value, 'concat'))
  if (typeof address !== 'string' || typeof port !== 'number') return []
  if (typeof packets !== 'number' || typeof bytes !== 'number') return []
  return [{ direction, address, port, packets, bytes }]
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Json)[name] : undefined
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}
