import { addressBytes, formatAddress } from './network.ts'

/**
 * Where a workload's datagrams may go: what its sidecar tells the gate (`blazon intercept --datagrams`),
 * which alone may change the rules. Each line of their conversation is one of these as JSON.
 */
export type DatagramTable = readonly DatagramPlace[]

/** Addresses from `first` to `last`, of one family and in canonical spelling, at a UDP port; port 0: ICMP echo. */
export interface DatagramPlace {
  readonly port: number
  readonly first: string
  readonly last: string
}

/** What passed since the rules first saw this place, less what was so long ago that they have forgotten it. */
export interface SeenDatagrams {
  readonly direction: 'sent' | 'received'
  readonly address: string
  /** Of the other end; 0: ICMP echo. */
  readonly port: number
  readonly packets: number
  /** Of whole IP packets. */
  readonly bytes: number
}

/** The abstract socket of the gate, in the network namespace of the workload. */
export const datagramGatePath = '\0blazon-datagrams'

/** How long a table holds: without a new one, datagrams are refused again. In seconds. */
export const datagramTableSeconds = 15

export const datagramLimits = {
  /** Of one table. */
  places: 4_096,
  /** Places that are counted at once, of one protocol, family and direction. */
  counted: 1_024,
  /** Of one line, either way: the longest that the other limits allow. */
  lineBytes: 1_048_576,
} as const

export function encodeDatagramTable(table: DatagramTable): string {
  return JSON.stringify(table.map(({ port, first, last }) => [port, first, last]))
}

/** Throws for everything but a table whose every part is as `DatagramTable` says. */
export function decodeDatagramTable(line: string): DatagramTable {
  return listOf(line, datagramLimits.places).map((one) => {
    if (!Array.isArray(one) || one.length !== 3)
      throw new Error('expected a port and two addresses')
    const [port, first, last] = one as readonly unknown[]
    const [from, to] = [bytesOf(first), bytesOf(last)]
    if (from.length !== to.length || Buffer.compare(from, to) > 0) {
      throw new Error('expected a range of addresses of one family')
    }
    return { port: integerUpTo(65_535, port), first: formatAddress(from), last: formatAddress(to) }
  })
}

export function encodeSeenDatagrams(seen: readonly SeenDatagrams[]): string {
  return JSON.stringify(
    seen.map(({ direction, address, port, packets, bytes }) => [
      ...[direction, address, port, packets, bytes],
    ]),
  )
}

/** Throws for everything else. */
export function decodeSeenDatagrams(line: string): SeenDatagrams[] {
  return listOf(line, datagramLimits.counted * 8).map((one) => {
    if (!Array.isArray(one) || one.length !== 5) throw new Error('expected five values')
    const [direction, address, port, packets, bytes] = one as readonly unknown[]
    if (direction !== 'sent' && direction !== 'received') throw new Error('expected a direction')
    return {
      direction,
      address: formatAddress(bytesOf(address)),
      port: integerUpTo(65_535, port),
      packets: integerUpTo(Number.MAX_SAFE_INTEGER, packets),
      bytes: integerUpTo(Number.MAX_SAFE_INTEGER, bytes),
    }
  })
}

function listOf(line: string, most: number): readonly unknown[] {
  const list: unknown = JSON.parse(line)
  if (!Array.isArray(list)) throw new Error('expected a list')
  if (list.length > most) {
    throw new Error(`expected at most ${String(most)} entries, got ${String(list.length)}`)
  }
  return list
}

function integerUpTo(most: number, value: unknown): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= most) {
    return value
  }
  throw new Error(`expected a whole number up to ${String(most)}`)
}

function bytesOf(value: unknown): Uint8Array {
  const bytes = typeof value === 'string' ? addressBytes(value) : undefined
  if (bytes === undefined) throw new Error('expected an IP address')
  return bytes
}

/** The lines of a stream, without their ends; throws for one of more than `datagramLimits.lineBytes`. */
export async function* linesOf(stream: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let parts: Buffer[] = []
  let length = 0
  for await (const chunk of stream) {
    let from = 0
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, from)) {
      yield Buffer.concat([...parts, chunk.subarray(from, at)]).toString()
      parts = []
      length = 0
      from = at + 1
    }
    parts.push(chunk.subarray(from))
    length += chunk.length - from
    if (length > datagramLimits.lineBytes) throw new Error('expected a shorter line')
  }
}
