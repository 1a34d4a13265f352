import type { WorkloadFacts } from '../identity/identity-extension.ts'
import type { SpiffeId } from '../identity/spiffe-id.ts'
import type { CertificateSigningKey } from './authority-key.ts'
import { buildCertificate } from './certificate-builder.ts'
import type { PublicKey } from './csr.ts'
import { CaError } from './errors.ts'
import { leafSpec, validity } from './profiles.ts'

/** A signed X.509-SVID and what the caller has to remember of it. */
export interface Issued {
  /** DER: the leaf, then its issuer. */
  readonly chain: readonly [leaf: Buffer, issuer: Buffer]
  readonly serial: string
  readonly notBefore: number
  readonly notAfter: number
  /** SHA-256 of the certified SubjectPublicKeyInfo, hex. */
  readonly keySha256: string
}

/** Shortest and longest life of a leaf, ms. */
export interface TtlLimits {
  readonly minTtlMs: number
  readonly maxTtlMs: number
}

/** Signs a leaf that ends no later than its issuer; throws `CaError`. */
export function issueLeaf(input: {
  readonly issuer: CertificateSigningKey
  readonly key: PublicKey
  readonly spiffeId: SpiffeId
  readonly facts: WorkloadFacts | undefined
  readonly ttlMs: number
  readonly limits: TtlLimits
  readonly now: number
}): Issued {
  const { issuer, spiffeId, facts } = input
  const { spki, keySha256 } = input.key
  const spec = leafSpec({
    ...validity(input.now, endOf(input)),
    spiffeId,
    spki,
    parentSpki: issuer.spki,
    ...(facts === undefined ? {} : { facts }),
  })
  const { serial, notBefore, notAfter } = spec
  const leaf = buildCertificate(spec, issuer)
  return { chain: [leaf, issuer.certificate], serial, notBefore, notAfter, keySha256 }
}

function endOf({ issuer, ttlMs, limits, now }: Parameters<typeof issueLeaf>[0]): number {
  const { minTtlMs, maxTtlMs } = limits
  // Written so that NaN is refused as well.
  if (!(ttlMs >= minTtlMs && ttlMs <= maxTtlMs)) {
    throw new CaError(
      'ERR_TTL',
      `expected a life of ${String(minTtlMs)} to ${String(maxTtlMs)} ms, got ${String(ttlMs)}`,
    )
  }
  if (issuer.notAfter < now + minTtlMs) {
    throw new CaError(
      'ERR_NO_ISSUER',
      `the active issuer ends in ${String(issuer.notAfter - now)} ms, before the shortest life of a certificate; is the controller's clock right?`,
    )
  }
  return Math.min(now + ttlMs, issuer.notAfter)
}
