import { quote } from '../base/errors.ts'
import { IdentityError } from './identity-error.ts'
import { encodeEntry, profileSize } from './profile-codec.ts'
import {
  compareUtf8,
  maxProfileBytes,
  maxProfilePairs,
  type ProfileEntry,
} from './trust-profile.ts'

/** An attribute, or some of its values, that did not make it into a profile. */
export interface DroppedAttribute {
  readonly key: string
  readonly reason: string
}

export interface SizedEntry {
  readonly key: string
  readonly entry: ProfileEntry
  readonly encoded: Buffer
  /** The values in the order they were given. */
  readonly given: ReadonlySet<string>
}

const cveKey = 'vuln.cve'
/** CVEs that an overfull profile keeps. */
export const maxCveValues = 32

/**
 * Drops what PROTOCOL §1 lets go of, until the rest fits: CVEs beyond the first 32, claimed keys,
 * observed keys, and at last all CVEs. Whole keys go, the largest first, because a selector that
 * asks for "no value equals x" must never see a key that lost some of its values. Throws
 * `ERR_PROFILE_TOO_LARGE` where that is not enough.
 */
export function fitProfile(
  entries: readonly SizedEntry[],
  dropped: DroppedAttribute[],
): SizedEntry[] {
  const kept = new Map(entries.map((entry) => [entry.key, entry]))
  const room = measure(kept)
  if (room.fits()) return [...kept.values()]
  room.replace(cveKey, firstCves(kept.get(cveKey), dropped))
  for (const victim of droppable(kept)) {
    if (room.fits()) break
    room.replace(victim.key, undefined)
    dropped.push({ key: victim.key, reason: `the profile was full: ${victim.entry.provenance}` })
  }
  if (!room.fits()) throw tooLarge(kept)
  return [...kept.values()]
}

/** Claimed, then observed, then CVEs of any provenance; in each class the largest first. */
function droppable(kept: ReadonlyMap<string, SizedEntry>): SizedEntry[] {
  const ordered = [...kept.values()].sort(largestFirst)
  const others = ordered.filter(({ key }) => key !== cveKey)
  return [
    ...others.filter(({ entry }) => entry.provenance === 'claimed'),
    ...others.filter(({ entry }) => entry.provenance === 'observed'),
    ...ordered.filter(({ key }) => key === cveKey),
  ]
}

function largestFirst(a: SizedEntry, b: SizedEntry): number {
  return b.encoded.length - a.encoded.length || compareUtf8(a.key, b.key)
}

interface Room {
  fits(): boolean
  replace(key: string, next: SizedEntry | undefined): void
}

function measure(kept: Map<string, SizedEntry>): Room {
  let pairs = 0
  let bytes = 0
  const count = (entry: SizedEntry | undefined, sign: 1 | -1): void => {
    pairs += sign * (entry?.entry.values.length ?? 0)
    bytes += sign * (entry?.encoded.length ?? 0)
  }
  for (const entry of kept.values()) count(entry, 1)
  return {
    fits: () => pairs <= maxProfilePairs && profileSize(bytes) <= maxProfileBytes,
    replace: (key, next) => {
      count(kept.get(key), -1)
      count(next, 1)
      if (next === undefined) kept.delete(key)
      else kept.set(key, next)
    },
  }
}

function firstCves(
  cves: SizedEntry | undefined,
  dropped: DroppedAttribute[],
): SizedEntry | undefined {
  if (cves === undefined || cves.given.size <= maxCveValues) return cves
  const given = new Set([...cves.given].slice(0, maxCveValues))
  const entry = { provenance: cves.entry.provenance, values: [...given].sort(compareUtf8) }
  dropped.push({
    key: cveKey,
    reason: `the profile was full: kept the first ${String(maxCveValues)} of ${String(cves.given.size)}`,
  })
  return { key: cveKey, entry, encoded: encodeEntry(cveKey, entry), given }
}

function tooLarge(kept: ReadonlyMap<string, SizedEntry>): IdentityError {
  const largest = [...kept.values()].sort(largestFirst).slice(0, 3)
  const named = largest.map(
    ({ key, entry, encoded }) =>
      `${quote(key)} (${String(entry.values.length)} values, ${String(encoded.length)} bytes)`,
  )
  return new IdentityError(
    'ERR_PROFILE_TOO_LARGE',
    `expected at most ${String(maxProfilePairs)} values and ${String(maxProfileBytes)} bytes of signed, described and assigned attributes; the largest are ${named.join(', ')}`,
  )
}
