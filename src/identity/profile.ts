import { checkKey, checkValue, matchesPattern, type Attribute } from './attributes.ts'
import { fitProfile, type DroppedAttribute, type SizedEntry } from './profile-limits.ts'
import { encodeEntry, encodeProfile, joinEntries, profileOf } from './profile-codec.ts'
import { provenanceRank, type Provenance } from './provenance.ts'
import { compareUtf8, type ProfileEntry, type TrustProfile } from './trust-profile.ts'

export {
  compareUtf8,
  maxProfileBytes,
  maxProfilePairs,
  type ProfileEntry,
  type TrustProfile,
} from './trust-profile.ts'
export { maxCveValues, type DroppedAttribute } from './profile-limits.ts'

/** What a certificate shows to anybody who connects (PROTOCOL §2); the rest goes over the tunnel. */
export const defaultDisclosable: readonly string[] = [
  'aws.account',
  'aws.region',
  'aws.zone',
  'label.*',
  'image.type',
]

export const emptyProfile: TrustProfile = profileOf(new Map(), encodeProfile(new Map()))

/**
 * Builds the profile of a workload. A key keeps the values of its strongest provenance only; what
 * is beyond the limits of PROTOCOL §1 is dropped in the order given there and reported. Values of
 * `vuln.cve` are to come most important first. Throws `ERR_ATTRIBUTE_*` for a malformed attribute
 * and `ERR_PROFILE_TOO_LARGE` where what may not be dropped does not fit.
 */
export function createProfile(attributes: Iterable<Attribute>): {
  readonly profile: TrustProfile
  readonly dropped: readonly DroppedAttribute[]
} {
  const { strongest, dropped } = keepStrongest(attributes)
  const sized = Array.from(strongest, ([key, gathered]) => sizedEntry(key, gathered))
  const kept = fitProfile(sized, dropped)
  // Keys are ASCII, so the order of their characters is that of their bytes.
  kept.sort((a, b) => (a.key < b.key ? -1 : 1))
  const entries = new Map(kept.map(({ key, entry }) => [key, entry]))
  return { profile: profileOf(entries, joinEntries(kept.map(({ encoded }) => encoded))), dropped }
}

interface Gathered {
  provenance: Provenance
  /** In the order they came. */
  values: Set<string>
}

function keepStrongest(attributes: Iterable<Attribute>): {
  strongest: Map<string, Gathered>
  dropped: DroppedAttribute[]
} {
  const strongest = new Map<string, Gathered>()
  const outranked = new Set<string>()
  for (const { key, value, provenance } of attributes) {
    checkKey(key)
    checkValue(value)
    const known = strongest.get(key)
    if (known?.provenance === provenance) {
      known.values.add(value)
      continue
    }
    if (known !== undefined) outranked.add(key)
    if (known === undefined || provenanceRank[known.provenance] < provenanceRank[provenance]) {
      strongest.set(key, { provenance, values: new Set([value]) })
    }
  }
  const reason = 'a source of stronger provenance sets this key'
  return { strongest, dropped: Array.from(outranked, (key) => ({ key, reason })) }
}

function sizedEntry(key: string, { provenance, values }: Gathered): SizedEntry {
  const entry: ProfileEntry = { provenance, values: sortedValues(values) }
  return { key, entry, encoded: encodeEntry(key, entry), given: values }
}

function sortedValues(values: ReadonlySet<string>): readonly string[] {
  return values.size === 1 ? [...values] : [...values].sort(compareUtf8)
}

/**
 * The part of a profile that may be shown to strangers: keys that a pattern names (`image.type`, or
 * `label.*` for a family), with all their values.
 */
export function publicProfile(
  profile: TrustProfile,
  disclosable: readonly string[] = defaultDisclosable,
): TrustProfile {
  const entries = new Map<string, ProfileEntry>()
  for (const [key, entry] of profile.entries) {
    if (disclosable.some((pattern) => matchesPattern(key, pattern))) entries.set(key, entry)
  }
  return profileOf(entries, encodeProfile(entries))
}

/** Whether every key of `part` is in `whole` with the same provenance and the same values. */
export function isPartOf(part: TrustProfile, whole: TrustProfile): boolean {
  for (const [key, entry] of part.entries) {
    const other = whole.entries.get(key)
    if (other === undefined || !encodeEntry(key, entry).equals(encodeEntry(key, other)))
      return false
  }
  return true
}
