import type { SpiffeId, TrustDomain } from '../identity/spiffe-id.ts'
import { pathOf, trustDomainOf } from '../identity/spiffe-id.ts'
import type { WorkloadFacts } from '../identity/identity-extension.ts'
import { randomSerial, type CertificateSpec } from './certificate-builder.ts'
import {
  authorityKeyIdentifier,
  basicConstraints,
  extendedKeyUsage,
  identityExtension,
  keyUsage,
  subjectAltName,
  subjectKeyIdentifier,
} from './extensions.ts'

/** A time span in milliseconds since the epoch. */
export interface Validity {
  readonly notBefore: number
  readonly notAfter: number
}

/** How far `notBefore` lies in the past, so that clocks may differ a little. */
export const backdatingMs = 60_000

/** A validity that starts a minute ago, in whole seconds as certificates count (RFC 5280 4.1.2.5). */
export function validity(now: number, notAfter: number): Validity {
  const wholeSeconds = (ms: number): number => ms - (ms % 1_000)
  return { notBefore: wholeSeconds(now - backdatingMs), notAfter: wholeSeconds(notAfter) }
}

// X.520 upper bound of commonName and organizationName.
const longestName = 64

const cut = (text: string): string => text.slice(0, longestName)

/** A self-signed root; it may certify issuers, which certify leaves and nothing else. */
export function rootSpec(
  input: Validity & { readonly trustDomain: TrustDomain; readonly spki: Buffer },
): CertificateSpec {
  return authoritySpec({
    ...input,
    parentSpki: input.spki,
    commonName: 'Blazon root',
    pathLength: 1,
  })
}

/** An issuing intermediate under a root (SPIFFE X.509-SVID 4.1, 4.3). */
export function issuerSpec(
  input: Validity & {
    readonly trustDomain: TrustDomain
    readonly spki: Buffer
    readonly parentSpki: Buffer
  },
): CertificateSpec {
  return authoritySpec({ ...input, commonName: 'Blazon issuer', pathLength: 0 })
}

function authoritySpec(
  input: Validity & {
    readonly trustDomain: TrustDomain
    readonly spki: Buffer
    readonly parentSpki: Buffer
    readonly commonName: string
    readonly pathLength: number
  },
): CertificateSpec {
  const serial = randomSerial()
  // The serial keeps apart the names of successive keys, on which OpenSSL builds its chains.
  const commonName = `${input.commonName} ${serial.slice(0, 16)}`
  return {
    serial,
    subject: { organization: cut(input.trustDomain), commonName },
    spki: input.spki,
    notBefore: input.notBefore,
    notAfter: input.notAfter,
    extensions: [
      basicConstraints({ pathLength: input.pathLength }),
      keyUsage('keyCertSign'),
      subjectKeyIdentifier(input.spki),
      authorityKeyIdentifier(input.parentSpki),
      // SPIFFE X.509-SVID 2: a signing certificate names its trust domain, without a path.
      subjectAltName([{ uri: `spiffe://${input.trustDomain}` }]),
    ],
  }
}

// Encoded once: they are the same in every leaf.
const everyLeaf = [
  basicConstraints(false),
  keyUsage('digitalSignature'),
  extendedKeyUsage('serverAuth', 'clientAuth'),
]

/** An X.509-SVID; with `facts` for a workload, without for the reserved identities of Blazon itself. */
export function leafSpec(
  input: Validity & {
    readonly spiffeId: SpiffeId
    readonly spki: Buffer
    readonly parentSpki: Buffer
    readonly facts?: WorkloadFacts
  },
): CertificateSpec {
  const path = pathOf(input.spiffeId)
  return {
    serial: randomSerial(),
    subject: {
      organization: cut(trustDomainOf(input.spiffeId)),
      commonName: cut(path.slice(path.lastIndexOf('/') + 1)),
    },
    spki: input.spki,
    notBefore: input.notBefore,
    notAfter: input.notAfter,
    extensions: [
      ...everyLeaf,
      subjectKeyIdentifier(input.spki),
      authorityKeyIdentifier(input.parentSpki),
      subjectAltName([{ uri: input.spiffeId }]),
      ...(input.facts === undefined ? [] : [identityExtension(input.facts)]),
    ],
  }
}
