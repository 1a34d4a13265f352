import { quote } from '../base/errors.ts'
import { IdentityError } from './identity-error.ts'
import type { Provenance } from './provenance.ts'

export { isAtLeast, isProvenance, provenances, weakest, type Provenance } from './provenance.ts'
export { familyOf, isAddressKey, sidecarProvenance, type Family } from './families.ts'

/** One fact about a workload or node, and who vouches for it. */
export interface Attribute {
  readonly key: string
  readonly value: string
  readonly provenance: Provenance
}

/** Bytes of UTF-8. */
export const maxKeyBytes = 128
/** Bytes of UTF-8. */
export const maxValueBytes = 512

/**
 * A family and a name, joined by dots: `aws.account`, `label.app`, `aws.tag.aws:stack`,
 * `k8s.label.app.kubernetes.io/name`. Inner `-`, `:` and `/` are for names taken from tags and labels.
 */
const keyForm = /^[a-z0-9_](?:[a-z0-9_:/-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_:/-]*[a-z0-9_])?)+$/
// What a terminal or a log line could be confused by; no source of ours needs it.
const controlCharacter = /[\u0000-\u001f\u007f]/

/** Returns the key, or throws `ERR_ATTRIBUTE_KEY`. */
export function checkKey(text: string): string {
  if (text.length > maxKeyBytes || !keyForm.test(text)) {
    throw new IdentityError(
      'ERR_ATTRIBUTE_KEY',
      `expected a dotted lower-case attribute key of at most ${String(maxKeyBytes)} bytes, got ${quote(text)}`,
    )
  }
  return text
}

/** Returns the value, or throws `ERR_ATTRIBUTE_VALUE`. It may be empty, as AWS tags may. */
export function checkValue(text: string): string {
  const fits = text.length * 3 <= maxValueBytes || Buffer.byteLength(text) <= maxValueBytes
  if (!fits || !text.isWellFormed() || controlCharacter.test(text)) {
    throw new IdentityError(
      'ERR_ATTRIBUTE_VALUE',
      `expected an attribute value of at most ${String(maxValueBytes)} bytes of UTF-8 without control characters, got ${quote(text)}`,
    )
  }
  return text
}

/** Whether a key is the pattern itself or, for a pattern such as `label.*`, below it. */
export function matchesPattern(key: string, pattern: string): boolean {
  return pattern.endsWith('.*') ? key.startsWith(pattern.slice(0, -1)) : key === pattern
}
