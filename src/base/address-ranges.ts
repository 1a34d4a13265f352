import { formatAddress, type Network } from './network.ts'

/** Addresses of one family from `first` to `last`, as numbers. */
export interface AddressRange {
  /** Bytes of an address: 4 or 16. */
  readonly bytes: number
  readonly first: bigint
  readonly last: bigint
}

export function rangeOf({ address, bits }: Network): AddressRange {
  const bytes = address.length
  const first = BigInt(`0x${Buffer.from(address).toString('hex')}`)
  return { bytes, first, last: first + (1n << BigInt(bytes * 8 - bits)) - 1n }
}

/** The same addresses in the fewest ranges, IPv4 first, ascending. */
export function mergeRanges(ranges: readonly AddressRange[]): AddressRange[] {
  const merged: AddressRange[] = []
  for (const range of [...ranges].sort(byPlace)) {
    const before = merged.at(-1)
    if (before?.bytes !== range.bytes || range.first > before.last + 1n) merged.push(range)
    else if (range.last > before.last) merged.splice(-1, 1, { ...before, last: range.last })
  }
  return merged
}

/** What is in some of `ranges` and in none of `cut`, merged. */
export function subtractRanges(
  ranges: readonly AddressRange[],
  cut: readonly AddressRange[],
): AddressRange[] {
  const gone = mergeRanges(cut)
  let next = 0
  return mergeRanges(ranges).flatMap((range) => {
    const left: AddressRange[] = []
    let { first } = range
    while (next < gone.length && isBefore(gone[next], range)) next++
    for (let at = next; at < gone.length; at++) {
      const hole = gone[at]
      if (hole?.bytes !== range.bytes || hole.first > range.last) break
      if (hole.first > first) left.push({ ...range, first, last: hole.first - 1n })
      if (hole.last >= first) first = hole.last + 1n
    }
    return first <= range.last ? [...left, { ...range, first }] : left
  })
}

/** The canonical spelling of an address that is a number. */
export function addressText(number: bigint, bytes: number): string {
  return formatAddress(Buffer.from(number.toString(16).padStart(bytes * 2, '0'), 'hex'))
}

function isBefore(one: AddressRange | undefined, other: AddressRange): boolean {
  if (one === undefined) return false
  return one.bytes < other.bytes || (one.bytes === other.bytes && one.last < other.first)
}

function byPlace(a: AddressRange, b: AddressRange): number {
  if (a.bytes !== b.bytes) return a.bytes - b.bytes
  return a.first < b.first ? -1 : a.first > b.first ? 1 : 0
}
