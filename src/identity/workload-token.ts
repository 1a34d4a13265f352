import { createPublicKey, type KeyObject, type webcrypto } from 'node:crypto'
import { deflateRawSync, inflateRawSync } from 'node:zlib'
import { quote } from '../base/errors.ts'
import { IdentityError } from './identity-error.ts'
import { decodeProfile } from './profile-codec.ts'
import { spkiOf } from './public-key.ts'
import { isReservedPath } from './reserved-path.ts'
import {
  parseSpiffeId,
  pathOf,
  trustDomainOf,
  type SpiffeId,
  type TrustDomain,
} from './spiffe-id.ts'
import { maxProfileBytes, type TrustProfile } from './trust-profile.ts'

/** What a workload identity token says: the same as the workload's certificate, and its full profile. */
export interface TokenFacts {
  readonly spiffeId: SpiffeId
  /** 32 hex characters. */
  readonly workloadId: string
  readonly generation: number
  readonly profile: TrustProfile
  /** The certificate's key: with it each request is proven (RFC 7800). */
  readonly publicKey: KeyObject
  /** SHA-256 of the key that issued the certificate, hex: the token falls with it. */
  readonly issuerKeySha256: string
}

/** `typ` of a workload identity token (draft-ietf-wimse-workload-creds); no other token of ours has it. */
export const workloadTokenType = 'wit+jwt'

/** Longest token, in characters: with its header's name it fits the 8 KiB that balancers take in a line. */
export const maxWorkloadTokenLength = 7_168

/** Who is to take it: ingress sidecars of the trust domain. */
export function workloadTokenAudience(trustDomain: TrustDomain): string {
  return `${trustDomain}/relayed`
}

/** The claims of a token, but for issue, end and audience. The profile is deflated: it is most of them. */
export function claimsOfToken(facts: TokenFacts): Record<string, unknown> & { sub: SpiffeId } {
  const { kty, crv, x, y } = facts.publicKey.export({ format: 'jwk' })
  return {
    sub: facts.spiffeId,
    cnf: { jwk: { kty, crv, x, y, alg: 'ES256' } },
    workload: facts.workloadId,
    generation: facts.generation,
    issuer: facts.issuerKeySha256,
    profile: deflateRawSync(facts.profile.encoded).toString('base64url'),
  }
}

/** Reads the claims of a token whose signature holds; throws `IdentityError` for what we cannot have signed. */
export function readTokenClaims(
  claims: Readonly<Record<string, unknown>>,
  trustDomain: TrustDomain,
): TokenFacts {
  return {
    spiffeId: readName(claims['sub'], trustDomain),
    workloadId: readHex(claims['workload'], 32, 'a workload id'),
    generation: readGeneration(claims['generation']),
    profile: readProfile(claims['profile']),
    publicKey: readConfirmation(claims['cnf']),
    issuerKeySha256: readHex(claims['issuer'], 64, 'the hash of an issuer key'),
  }
}

function readName(sub: unknown, trustDomain: TrustDomain): SpiffeId {
  const id = parseSpiffeId(textOf(sub, 'a name'))
  if (trustDomainOf(id) !== trustDomain || isReservedPath(pathOf(id))) {
    throw fault(`expected a workload of ${trustDomain}, got ${quote(id)}`)
  }
  return id
}

function readHex(value: unknown, length: number, what: string): string {
  const text = textOf(value, what)
  if (text.length === length && /^[0-9a-f]*$/.test(text)) return text
  throw fault(`expected ${what}, got ${quote(text)}`)
}

function readGeneration(generation: unknown): number {
  if (typeof generation === 'number' && Number.isSafeInteger(generation) && generation > 0) {
    return generation
  }
  throw fault('expected a generation of 1 or more')
}

function readProfile(profile: unknown): TrustProfile {
  const deflated = Buffer.from(textOf(profile, 'a profile'), 'base64url')
  return decodeProfile(inflate(deflated))
}

function inflate(deflated: Buffer): Buffer {
  try {
    return inflateRawSync(deflated, { maxOutputLength: maxProfileBytes })
  } catch (cause: unknown) {
    throw new IdentityError('ERR_WORKLOAD_TOKEN', 'the profile cannot be inflated', { cause })
  }
}

function readConfirmation(cnf: unknown): KeyObject {
  const jwk = typeof cnf === 'object' && cnf !== null && 'jwk' in cnf ? cnf.jwk : undefined
  if (typeof jwk !== 'object' || jwk === null) throw fault('expected a key to prove it by')
  const publicKey = importKey(jwk)
  spkiOf(publicKey)
  return publicKey
}

function importKey(key: webcrypto.JsonWebKey): KeyObject {
  try {
    return createPublicKey({ key, format: 'jwk' })
  } catch (cause: unknown) {
    throw new IdentityError('ERR_WORKLOAD_TOKEN', 'the key cannot be read', { cause })
  }
}

function textOf(value: unknown, what: string): string {
  if (typeof value === 'string') return value
  throw fault(`expected ${what}`)
}

function fault(message: string): IdentityError {
  return new IdentityError('ERR_WORKLOAD_TOKEN', `workload identity token refused: ${message}`)
}
