import type { Parse } from '../base/env.ts'
import { quote } from '../base/errors.ts'
import {
  addressBytes,
  formatAddress,
  formatNetwork,
  isWhole,
  mask,
  parseNetwork,
} from '../base/network.ts'

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
  const bytes = addressBytes(text.toLowerCase())
  if (bytes === undefined) throw new Error(`expected an IP address, got ${quote(text)}`)
  return formatAddress(bytes)
}

function cidr(text: string): string {
  if (!text.includes('/')) return address(text)
  const network = parseNetwork(text.toLowerCase())
  if (network === undefined) {
    throw new Error(`expected an IP address range such as 10.0.0.0/8, got ${quote(text)}`)
  }
  const { address: bytes, bits } = network
  if (!isWhole(network)) {
    const whole = formatNetwork({ address: mask(bytes, bits), bits })
    throw new Error(`${quote(text)} has bits set beyond its prefix; expected ${whole}`)
  }
  // Everything would be left alone: then there is nothing to intercept.
  if (bits === 0) throw new Error(`expected a part of the address space, got all of it`)
  return formatNetwork(network)
}
