import { quote } from '../base/errors.ts'
import { checkKey, checkValue, type Attribute } from './attributes.ts'
import {
  checkBundle,
  jwtKeyUses,
  type IssuerState,
  type JwtKey,
  type TrustBundle,
} from './bundle.ts'
import { maxCertificateBytes } from './certificate.ts'
import { createFloors, maxFloors, type Floors } from './floors.ts'
import { IdentityError, type IdentityErrorCode } from './identity-error.ts'
import { decodeProfile } from './profile-codec.ts'
import type { Provenance } from './provenance.ts'
import { parsePublicKey } from './public-key.ts'
import { parseTrustDomain } from './spiffe-id.ts'
import type { TrustProfile } from './trust-profile.ts'

/*
 * The messages of proto/blazon/v1/common.proto by structure, as the generated types have them, so
 * that this folder does not know gRPC. What comes from the wire may be null where a field is absent.
 */
const issuerStateNames = {
  prepared: 'PREPARED',
  active: 'ACTIVE',
  old: 'OLD',
  tainted: 'TAINTED',
} as const
const provenanceNames = {
  claimed: 'CLAIMED',
  observed: 'OBSERVED',
  assigned: 'ASSIGNED',
  described: 'DESCRIBED',
  signed: 'SIGNED',
} as const

export type WireIssuerState = (typeof issuerStateNames)[IssuerState]
export type WireProvenance = (typeof provenanceNames)[Provenance]

export interface WireAttribute<P = WireProvenance> {
  key: string
  value: string
  provenance: P
}
export interface WireIssuer<S = WireIssuerState> {
  keySha256: Buffer
  state: S
}
export interface WireJwtKey {
  keyId: string
  spki: Buffer
  use: string
  notAfterMs: number
}
export interface WireBundle<S = WireIssuerState> {
  trustDomain: string
  version: number
  roots: Buffer[]
  issuers: WireIssuer<S>[]
  jwtKeys: WireJwtKey[]
}
export interface WireFloor {
  workloadId: string
  lowestGoodGeneration: number
  untilMs: number
}
export interface WireFloors {
  version: number
  floors: WireFloor[]
}
export interface WireSvid {
  chain: Buffer[]
  profile: Buffer
}

/** A certificate chain and the profile it was issued for. */
export interface Svid {
  readonly chain: readonly Buffer[]
  readonly profile: TrustProfile
}

export function toWireBundle(bundle: TrustBundle): WireBundle {
  return {
    trustDomain: bundle.trustDomain,
    version: bundle.version,
    roots: [...bundle.roots],
    issuers: Array.from(bundle.issuers, ([key, state]) => ({
      keySha256: Buffer.from(key, 'hex'),
      state: issuerStateNames[state],
    })),
    jwtKeys: bundle.jwtKeys.map(({ keyId, spki, use, notAfter }) => ({
      keyId,
      spki,
      use,
      notAfterMs: notAfter,
    })),
  }
}

/** Throws `ERR_BUNDLE`, `ERR_TRUST_DOMAIN` or `ERR_PUBLIC_KEY` for whatever `toWireBundle` cannot have made. */
export function fromWireBundle(wire: WireBundle<string> | null | undefined): TrustBundle {
  const { trustDomain, version, roots, issuers, jwtKeys } = present(wire, 'ERR_BUNDLE', 'a bundle')
  const states = new Map<string, IssuerState>()
  for (const { keySha256, state } of issuers) {
    const key = keySha256.toString('hex')
    if (states.has(key))
      throw new IdentityError('ERR_BUNDLE', `bundle refused: issuer ${key} is listed twice`)
    states.set(key, issuerStateFromWire(state))
  }
  return checkBundle({
    trustDomain: parseTrustDomain(trustDomain),
    version,
    roots: roots.map(copy),
    issuers: states,
    jwtKeys: jwtKeys.map(fromWireJwtKey),
  })
}

function fromWireJwtKey({ keyId, spki, use: text, notAfterMs }: WireJwtKey): JwtKey {
  const use = jwtKeyUses.find((known) => known === text)
  if (!/^[A-Za-z0-9_-]{1,128}$/.test(keyId) || use === undefined) {
    throw new IdentityError(
      'ERR_BUNDLE',
      `bundle refused: expected a JWT key for ${jwtKeyUses.join(' or ')}, got ${quote(keyId)} for ${quote(text)}`,
    )
  }
  if (!Number.isSafeInteger(notAfterMs) || notAfterMs < 0) {
    throw new IdentityError('ERR_BUNDLE', `bundle refused: JWT key ${quote(keyId)} has no end`)
  }
  parsePublicKey(spki)
  return { keyId, spki: copy(spki), use, notAfter: notAfterMs }
}

export function toWireFloors(floors: Floors): WireFloors {
  return {
    version: floors.version,
    floors: Array.from(floors.entries.values(), (floor) => ({ ...floor })),
  }
}

/** Throws `ERR_FLOORS`. */
export function fromWireFloors(wire: WireFloors | null | undefined): Floors {
  const { version, floors } = present(wire, 'ERR_FLOORS', 'a floor list')
  if (floors.length > maxFloors) {
    throw new IdentityError(
      'ERR_FLOORS',
      `expected at most ${String(maxFloors)} floors, got ${String(floors.length)}`,
    )
  }
  return createFloors(
    version,
    floors.map(({ workloadId, lowestGoodGeneration, untilMs }) => ({
      workloadId,
      lowestGoodGeneration,
      untilMs,
    })),
  )
}

export function toWireSvid(svid: Svid): WireSvid {
  return { chain: [...svid.chain], profile: svid.profile.encoded }
}

/** Checks form only: `verifyPeer` and `checkFullProfile` say whether it holds. Throws `ERR_SVID`, or what `decodeProfile` throws. */
export function fromWireSvid(wire: WireSvid | null | undefined): Svid {
  const { chain, profile } = present(wire, 'ERR_SVID', 'an SVID')
  return { chain: fromWireChain(chain), profile: decodeProfile(profile) }
}

/** A chain of two or three certificates within their size; throws `ERR_SVID`. */
export function fromWireChain(chain: readonly Buffer[]): readonly Buffer[] {
  if (chain.length < 2 || chain.length > 3) {
    throw new IdentityError(
      'ERR_SVID',
      `expected a leaf and its issuer, got ${String(chain.length)} certificates`,
    )
  }
  const largest = Math.max(...chain.map((der) => der.length))
  if (largest > maxCertificateBytes) {
    throw new IdentityError(
      'ERR_SVID',
      `expected certificates of at most ${String(maxCertificateBytes)} bytes, got ${String(largest)}`,
    )
  }
  return chain.map(copy)
}

export function toWireAttributes(attributes: Iterable<Attribute>): WireAttribute[] {
  return Array.from(attributes, ({ key, value, provenance }) => ({
    key,
    value,
    provenance: provenanceNames[provenance],
  }))
}

/** Throws `ERR_ATTRIBUTE_KEY`, `ERR_ATTRIBUTE_VALUE`, or `ERR_PROFILE` for an unspecified provenance. */
export function fromWireAttributes(wire: Iterable<WireAttribute<string>>): Attribute[] {
  return Array.from(wire, ({ key, value, provenance }) => ({
    key: checkKey(key),
    value: checkValue(value),
    provenance: provenanceFromWire(provenance),
  }))
}

/** A profile as a list of attributes, for messages that show it. */
export function attributesOf(profile: TrustProfile): Attribute[] {
  return Array.from(profile.entries, ([key, { provenance, values }]) =>
    values.map((value) => ({ key, value, provenance })),
  ).flat()
}

export function issuerStateToWire(state: IssuerState): WireIssuerState {
  return issuerStateNames[state]
}

const issuerStatesByName = new Map<string, IssuerState>(
  Object.entries(issuerStateNames).map(([state, name]) => [name, state as IssuerState]),
)

function issuerStateFromWire(name: string): IssuerState {
  const state = issuerStatesByName.get(name)
  if (state === undefined) {
    throw new IdentityError(
      'ERR_BUNDLE',
      `bundle refused: expected an issuer state, got ${quote(name)}`,
    )
  }
  return state
}

const provenancesByName = new Map<string, Provenance>(
  Object.entries(provenanceNames).map(([provenance, name]) => [name, provenance as Provenance]),
)

function provenanceFromWire(name: string): Provenance {
  const provenance = provenancesByName.get(name)
  if (provenance === undefined) {
    throw new IdentityError('ERR_PROFILE', `expected a provenance, got ${quote(name)}`)
  }
  return provenance
}

function present<T>(value: T | null | undefined, code: IdentityErrorCode, what: string): T {
  if (value === null || value === undefined) {
    throw new IdentityError(code, `expected ${what}, got none`)
  }
  return value
}

/** What is kept for long must not hold on to the whole message it came in. */
function copy(bytes: Buffer): Buffer {
  return Buffer.from(bytes)
}
