import { isIPv4 } from 'node:net'
import ipaddr from 'ipaddr.js'
import { ipv4Bytes } from '../base/ipv4.ts'

/** An IPv4 or IPv6 network, or one address, as numbers. */
export interface Network {
  /** 4 or 16 bytes in network order. */
  readonly address: Uint8Array
  readonly bits: number
}

/** The bytes of an address; undefined for a text that is none. */
export function addressBytes(text: string): Uint8Array | undefined {
  return ipv4Bytes(text) ?? (text.includes('/') ? undefined : parseNetwork(text)?.address)
}

/** The network of a text in canonical form. */
export function networkOf(cidr: string): Network {
  const network = parseNetwork(cidr)
  if (network === undefined) throw new Error(`BUG: a network was accepted that is none: ${cidr}`)
  return network
}

/**
 * Strict: four plain decimals or an IPv6 address in lower case without a zone, and a prefix length without
 * signs. Undefined for anything else, such as the odd spellings of addresses that ipaddr.js also reads.
 */
export function parseNetwork(written: string): Network | undefined {
  const match = /^([0-9a-f.:]{2,45})(?:\/(0|[1-9][0-9]{0,2}))?$/.exec(written)
  const [, host = '', length] = match ?? []
  const isShort = isIPv4(host)
  if (match === null || (!isShort && !ipaddr.IPv6.isValid(host))) return undefined
  const address = Uint8Array.from(ipaddr.parse(host).toByteArray())
  const most = address.length * 8
  const bits = length === undefined ? most : Number(length)
  return bits > most ? undefined : { address, bits }
}

/** The address with only its first bits. */
export function mask(address: Uint8Array, bits: number): Uint8Array {
  return address.map((octet, at) => {
    const kept = Math.min(8, Math.max(0, bits - at * 8))
    return octet & (0xff00 >> kept)
  })
}

/** Whether no bit is set behind the prefix. */
export function isWhole({ address, bits }: Network): boolean {
  return Buffer.from(mask(address, bits)).equals(address)
}

/** The canonical spelling, always with the prefix length. */
export function formatNetwork({ address, bits }: Network): string {
  return `${formatAddress(address)}/${String(bits)}`
}

/** The canonical spelling of 4 or 16 bytes. */
export function formatAddress(bytes: Uint8Array): string {
  const address = ipaddr.fromByteArray([...bytes])
  return address instanceof ipaddr.IPv6 ? address.toRFC5952String() : address.toString()
}

/** Whether some address is in both. */
export function overlap(a: Network, b: Network): boolean {
  if (a.address.length !== b.address.length) return false
  const bits = Math.min(a.bits, b.bits)
  for (let at = 0; at * 8 < bits; at++) {
    const kept = Math.min(8, bits - at * 8)
    const differs = (a.address[at] ?? 0) ^ (b.address[at] ?? 0)
    if ((differs & (0xff00 >> kept) & 0xff) !== 0) return false
  }
  return true
}
