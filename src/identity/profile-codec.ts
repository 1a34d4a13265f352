import { hash } from 'node:crypto'
import { quote } from '../base/errors.ts'
import { checkKey, checkValue } from './attributes.ts'
import { DerReader, derTag } from './der.ts'
import { derSequence, derSize, derUnsigned, writeDerHeader } from './der-write.ts'
import { IdentityError } from './identity-error.ts'
import { provenanceRank, provenances, type Provenance } from './provenance.ts'
import {
  compareUtf8,
  maxProfileBytes,
  maxProfilePairs,
  type ProfileEntry,
  type TrustProfile,
} from './trust-profile.ts'

/*
 * Profile ::= SEQUENCE { version INTEGER (1), attributes SEQUENCE OF Entry }
 * Entry ::= SEQUENCE { key UTF8String, provenance ENUMERATED { claimed(1) .. signed(5) },
 *                      values SEQUENCE OF UTF8String }
 * Keys, and the values of a key, strictly ascend by their bytes: one profile has one encoding.
 */
const version = 1
const encodedVersion = derUnsigned(version)

/**
 * One attribute key as it stands in the encoding; the entry must be sorted. Written in one go, as
 * this is most of what building a profile costs.
 */
export function encodeEntry(key: string, { provenance, values }: ProfileEntry): Buffer {
  const sizes = values.map((value) => Buffer.byteLength(value))
  const valuesSize = sizes.reduce((sum, size) => sum + derSize(size), 0)
  // A key is ASCII, and a provenance takes three octets.
  const content = derSize(key.length) + 3 + derSize(valuesSize)
  const entry = Buffer.allocUnsafe(derSize(content))
  let at = writeDerHeader(entry, 0, derTag.sequence, content)
  at = writeDerHeader(entry, at, derTag.utf8String, key.length)
  at += entry.write(key, at, 'latin1')
  at = writeDerHeader(entry, at, derTag.enumerated, 1)
  entry[at++] = provenanceRank[provenance]
  at = writeDerHeader(entry, at, derTag.sequence, valuesSize)
  for (const [n, value] of values.entries()) {
    at = writeDerHeader(entry, at, derTag.utf8String, sizes[n] ?? 0)
    at += entry.write(value, at, 'utf8')
  }
  return entry
}

/** The bytes that `encodeEntry`s of this many bytes together come to. */
export function profileSize(entriesBytes: number): number {
  return derSize(encodedVersion.length + derSize(entriesBytes))
}

/** Joins entries that ascend by key. */
export function joinEntries(encoded: readonly Buffer[]): Buffer {
  return derSequence(encodedVersion, derSequence(...encoded))
}

/** Encodes entries that ascend by key, with values that ascend. */
export function encodeProfile(entries: ReadonlyMap<string, ProfileEntry>): Buffer {
  return joinEntries(Array.from(entries, ([key, entry]) => encodeEntry(key, entry)))
}

/** Puts a profile together from its entries and their encoding. */
export function profileOf(
  entries: ReadonlyMap<string, ProfileEntry>,
  encoded: Buffer,
): TrustProfile {
  return { entries, encoded, digest: hash('sha256', encoded) }
}

/**
 * Decodes a profile. Refuses whatever `encodeProfile` could not have written, and whatever is
 * beyond a limit: `ERR_DER`, `ERR_PROFILE`, `ERR_PROFILE_TOO_LARGE`, `ERR_ATTRIBUTE_*`.
 */
export function decodeProfile(der: Buffer): TrustProfile {
  if (der.length > maxProfileBytes) {
    throw new IdentityError(
      'ERR_PROFILE_TOO_LARGE',
      `expected a profile of at most ${String(maxProfileBytes)} bytes, got ${String(der.length)}`,
    )
  }
  const reader = DerReader.open(der, maxProfileBytes)
  const entries = reader.sequence(readProfile)
  reader.finish()
  // A copy, so that a profile never keeps the whole message alive that it came in.
  return profileOf(entries, Buffer.from(der))
}

function readProfile(reader: DerReader): Map<string, ProfileEntry> {
  const seen = reader.unsigned()
  if (seen !== version) {
    throw fault(`expected profile version ${String(version)}, got ${String(seen)}`)
  }
  return reader.sequence(readEntries)
}

function readEntries(reader: DerReader): Map<string, ProfileEntry> {
  const entries = new Map<string, ProfileEntry>()
  let last: string | undefined
  let pairs = 0
  while (!reader.isDone()) {
    const [key, entry] = reader.sequence(readEntry)
    // Keys are ASCII, so the order of their characters is that of their bytes.
    if (last !== undefined && last >= key) {
      throw fault(
        `expected keys in strictly ascending order, got ${quote(key)} after ${quote(last)}`,
      )
    }
    pairs += entry.values.length
    if (pairs > maxProfilePairs) {
      throw new IdentityError(
        'ERR_PROFILE_TOO_LARGE',
        `expected at most ${String(maxProfilePairs)} values in a profile, got more`,
      )
    }
    entries.set(key, entry)
    last = key
  }
  return entries
}

function readEntry(reader: DerReader): [string, ProfileEntry] {
  const key = checkKey(reader.utf8())
  const provenance = readProvenance(reader)
  const values = reader.sequence(readValues)
  if (values.length === 0) throw fault(`expected at least one value for ${quote(key)}`)
  return [key, { provenance, values }]
}

function readProvenance(reader: DerReader): Provenance {
  const rank = reader.unsigned(derTag.enumerated)
  const provenance = provenances[rank - 1]
  if (provenance === undefined) {
    throw fault(`expected a provenance from 1 to 5, got ${String(rank)}`)
  }
  return provenance
}

function readValues(reader: DerReader): string[] {
  const values: string[] = []
  let last: string | undefined
  while (!reader.isDone()) {
    const value = checkValue(reader.utf8())
    if (last !== undefined && compareUtf8(last, value) >= 0) {
      throw fault(
        `expected values in strictly ascending order, got ${quote(value)} after ${quote(last)}`,
      )
    }
    values.push(value)
    last = value
  }
  return values
}

function fault(message: string): IdentityError {
  return new IdentityError('ERR_PROFILE', message)
}
