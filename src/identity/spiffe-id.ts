import { quote } from '../base/errors.ts'
import { IdentityError } from './identity-error.ts'

declare const brand: unique symbol

/** The name of one administrative root of identity, such as `acme.example` (SPIFFE-ID 2.1). */
export type TrustDomain = string & { readonly [brand]: 'TrustDomain' }

/** A URI that names somebody inside a trust domain; it always has a path (SPIFFE-ID 2.2). */
export type SpiffeId = string & { readonly [brand]: 'SpiffeId' }

const scheme = 'spiffe://'
const maxTrustDomainBytes = 255
const maxIdBytes = 2048
const trustDomainForm = /^[a-z0-9._-]+$/
const segmentForm = /^[A-Za-z0-9._-]+$/

/** Parses the bare name, without a scheme; throws `ERR_TRUST_DOMAIN`. */
export function parseTrustDomain(text: string): TrustDomain {
  if (text.length > maxTrustDomainBytes || !trustDomainForm.test(text)) {
    throw new IdentityError(
      'ERR_TRUST_DOMAIN',
      `expected a trust domain of 1 to 255 characters out of a-z 0-9 . - _, got ${quote(text)}`,
    )
  }
  return text as TrustDomain
}

/**
 * Parses a SPIFFE ID in its only form: no upper-case scheme or trust domain, no port, user, query,
 * fragment or percent-encoding, no empty or dot segment, no trailing slash, and a path.
 * Throws `ERR_SPIFFE_ID_*` or `ERR_TRUST_DOMAIN`.
 */
export function parseSpiffeId(text: string): SpiffeId {
  checkLength(text)
  if (!text.startsWith(scheme)) {
    throw new IdentityError('ERR_SPIFFE_ID_SCHEME', `expected ${scheme}..., got ${quote(text)}`)
  }
  const slash = text.indexOf('/', scheme.length)
  parseTrustDomain(text.slice(scheme.length, slash === -1 ? undefined : slash))
  checkPath(slash === -1 ? '' : text.slice(slash))
  return text as SpiffeId
}

/** Joins a trust domain and a path that starts with `/`; throws `ERR_SPIFFE_ID_*`. */
export function spiffeId(trustDomain: TrustDomain, path: string): SpiffeId {
  const text = `${scheme}${trustDomain}${path}`
  checkLength(text)
  checkPath(path)
  return text as SpiffeId
}

export function trustDomainOf(id: SpiffeId): TrustDomain {
  return id.slice(scheme.length, id.indexOf('/', scheme.length)) as TrustDomain
}

/** The path, with its leading `/`. */
export function pathOf(id: SpiffeId): string {
  return id.slice(id.indexOf('/', scheme.length))
}

function checkLength(text: string): void {
  if (text.length > maxIdBytes) {
    throw new IdentityError(
      'ERR_SPIFFE_ID_LENGTH',
      `expected a SPIFFE ID of at most ${String(maxIdBytes)} characters, got ${String(text.length)}`,
    )
  }
}

/** Throws `ERR_SPIFFE_ID_PATH` for anything but `/segment` once or more. */
export function checkPath(path: string): void {
  const segments = path.split('/')
  if (segments.shift() !== '' || segments.length === 0 || !segments.every(isSegment)) {
    throw new IdentityError(
      'ERR_SPIFFE_ID_PATH',
      `expected a path of segments out of A-Z a-z 0-9 . - _ that are not empty, "." or "..", got ${quote(path)}`,
    )
  }
}

function isSegment(text: string): boolean {
  return segmentForm.test(text) && text !== '.' && text !== '..'
}
