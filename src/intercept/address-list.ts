import ipaddr from 'ipaddr.js'
import type { Parse } from '../base/env.ts'
import { quote } from '../base/errors.ts'

/** Addresses or ranges by family, as nft writes them. */
export interface AddressList {
  readonly v4: readonly string[]
  readonly v6: readonly string[]
}

export const noAddresses: AddressList = { v4: [], v6: [] }

const mostEntries = 256

/** `10.0.0.0/8,fd00::/8,192.0.2.7`: ranges, or single addresses; bits beyond the prefix must be zero. */
export const cidrList: Parse<AddressList> = (text) => byFamily(entriesOf(text).map(cidr))

/** `10.0.0.2,fd00::2`: single addresses. */
export const addressList: Parse<AddressList> = (text) => byFamily(entriesOf(text).map(address))

/** Sorts single addresses by family; throws for text that is none. */
export function addressesOf(texts: readonly string[]): AddressList {
  return byFamily(texts.map(address))
}

function entriesOf(text: string): readonly string[] {
  const entries = text.split(',').map((entry) => entry.trim())
  if (entries.length > mostEntries) {
    throw new Error(
      `expected at most ${String(mostEntries)} entries, got ${String(entries.length)}`,
    )
  }
  return entries
}

function byFamily(texts: readonly string[]): AddressList {
  const unique = [...new Set(texts)]
  return {
    v4: unique.filter((text) => !text.includes(':')),
    v6: unique.filter((text) => text.includes(':')),
  }
}

function address(text: string): string {
  if (!isPlainAddress(text)) throw new Error(`expected an IP address, got ${quote(text)}`)
  return canonical(ipaddr.parse(text))
}

function cidr(text: string): string {
  if (!text.includes('/')) return address(text)
  const [left = '', prefix = ''] = text.split('/')
  if (!isPlainAddress(left) || !ipaddr.isValidCIDR(text) || !/^[0-9]{1,3}$/.test(prefix)) {
    throw new Error(`expected an IP address range such as 10.0.0.0/8, got ${quote(text)}`)
  }
  const bits = Number(prefix)
  const [given] = ipaddr.parseCIDR(text)
  const family = given.kind() === 'ipv4' ? ipaddr.IPv4 : ipaddr.IPv6
  const network = canonical(family.networkAddressFromCIDR(text))
  if (network !== canonical(given)) {
    throw new Error(`${quote(text)} has bits set beyond its prefix; expected ${network}/${prefix}`)
  }
  // Everything would be left alone: then there is nothing to intercept.
  if (bits === 0) throw new Error(`expected a part of the address space, got all of it`)
  return `${network}/${prefix}`
}

/** Four decimal parts, or IPv6 without a zone: none of the odd spellings that ipaddr.js also reads. */
function isPlainAddress(text: string): boolean {
  if (text.includes('%')) return false
  return text.includes(':') ? ipaddr.IPv6.isValid(text) : ipaddr.IPv4.isValidFourPartDecimal(text)
}

function canonical(parsed: ipaddr.IPv4 | ipaddr.IPv6): string {
  return parsed instanceof ipaddr.IPv6 ? parsed.toRFC5952String() : parsed.toString()
}
