import type { Provenance } from './provenance.ts'

/** The values of one key, all vouched for alike. */
export interface ProfileEntry {
  readonly provenance: Provenance
  /** Not empty, unique, ascending by UTF-8 bytes. */
  readonly values: readonly string[]
}

/** The attributes that a CA bound to a certificate, with their one encoding and its SHA-256. */
export interface TrustProfile {
  /** Ascending by key. */
  readonly entries: ReadonlyMap<string, ProfileEntry>
  /** Canonical DER. */
  readonly encoded: Buffer
  /** SHA-256 of `encoded`, hex. */
  readonly digest: string
}

/** Key and value pairs in one profile. */
export const maxProfilePairs = 256
/** Bytes of the encoded profile. */
export const maxProfileBytes = 32_768

/** Orders text as its UTF-8 bytes are ordered; UTF-16 order differs beyond the basic plane. */
export function compareUtf8(a: string, b: string): number {
  const shared = Math.min(a.length, b.length)
  for (let at = 0; at < shared; at++) {
    const x = a.charCodeAt(at)
    const y = b.charCodeAt(at)
    if (x !== y) return byteRank(x) - byteRank(y)
  }
  return a.length - b.length
}

/** Surrogates stand for what is encoded after U+FFFF. */
function byteRank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit
}
