import { isIPv4 } from 'node:net'
import ipaddr from 'ipaddr.js'
import { ipv4Bytes } from '../base/ipv4.ts'

/** An IP address in its canonical text form, and a port. */
export interface Endpoint {
  readonly address: string
  readonly port: number
}

/** The canonical text form of an address; an IPv4 address mapped into IPv6 is that IPv4 address. Undefined for other text. */
export function canonicalAddress(text: string): string | undefined {
  // IPv4 has one spelling only.
  if (isIPv4(text)) return text
  const bytes = addressBytes(text)
  return bytes === undefined ? undefined : addressText(bytes)
}

/** 4 or 16 bytes in network order, or undefined when the text is no IP address (or has a zone). */
export function addressBytes(text: string): Uint8Array | undefined {
  // Several of these per stream: the common case does without the library.
  const short = ipv4Bytes(text)
  if (short !== undefined) return short
  if (!text.includes(':') || text.includes('%') || !ipaddr.isValid(text)) return undefined
  return Uint8Array.from(ipaddr.process(text).toByteArray())
}

/** The canonical text (RFC 5952 for IPv6) of 4 or 16 bytes. */
export function addressText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.')
  const address = ipaddr.fromByteArray([...bytes])
  return address instanceof ipaddr.IPv6 ? address.toRFC5952String() : address.toString()
}
