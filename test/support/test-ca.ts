import { generateKeyPairSync, randomBytes, type KeyObject } from 'node:crypto'
import {
  buildCertificate,
  type CertificateSigner,
  type CertificateSpec,
} from '../../src/ca/certificate-builder.ts'
import type { Extension } from '../../src/ca/extensions.ts'
import { issuerSpec, leafSpec, rootSpec, type Validity } from '../../src/ca/profiles.ts'
import type { Attribute } from '../../src/identity/attributes.ts'
import type { IssuerState, TrustBundle } from '../../src/identity/bundle.ts'
import { noFloors, type Floors } from '../../src/identity/floors.ts'
import type { WorkloadFacts } from '../../src/identity/identity-extension.ts'
import { createProfile, publicProfile, type TrustProfile } from '../../src/identity/profile.ts'
import { keySha256 } from '../../src/identity/public-key.ts'
import type { AdminRole } from '../../src/identity/reserved-path.ts'
import {
  parseTrustDomain,
  spiffeId,
  type SpiffeId,
  type TrustDomain,
} from '../../src/identity/spiffe-id.ts'

/** A certificate of the test CA that may sign others. */
export interface TestSigner extends CertificateSigner {
  readonly spki: Buffer
  readonly keySha256: string
  readonly certificate: Buffer
}

/** What may be wrong with a leaf; everything left out is right. */
export interface LeafFaults {
  readonly ttlMs?: number
  readonly notBefore?: number
  readonly notAfter?: number
  /** Who signs, and stands second in the chain. */
  readonly issuer?: TestSigner
  /** The key pair to certify, in place of a new P-256 one. */
  readonly keys?: TestKeys
  /** Changes the list of extensions just before the certificate is written. */
  readonly extensions?: (right: readonly Extension[]) => readonly Extension[]
  /** Changes anything else of the certificate just before it is written. */
  readonly spec?: (right: CertificateSpec) => CertificateSpec
}

export interface WorkloadRequest extends LeafFaults {
  readonly name: string
  readonly attributes?: readonly Attribute[]
  readonly generation?: number
  readonly workloadId?: string
  readonly spiffeId?: SpiffeId
  /** Replaces single facts of the identity extension, for instance the digest. */
  readonly facts?: Partial<WorkloadFacts>
}

export interface TestKeys {
  readonly privateKey: KeyObject
  readonly spki: Buffer
}

export interface TestLeaf {
  readonly spiffeId: SpiffeId
  /** DER, leaf first. */
  readonly chain: readonly [leaf: Buffer, issuer: Buffer]
  readonly privateKey: KeyObject
  readonly spki: Buffer
  readonly notAfter: number
}

export interface TestWorkload extends TestLeaf {
  readonly profile: TrustProfile
  readonly facts: WorkloadFacts
}

export interface TestCa {
  readonly trustDomain: TrustDomain
  readonly now: number
  readonly root: TestSigner
  readonly issuer: TestSigner
  readonly floors: Floors
  /** Root and all listed issuers; `change` replaces single fields. */
  bundle(change?: Partial<TrustBundle>): TrustBundle
  /** Another issuing intermediate; listed in the bundle under `state`, or not at all without one. */
  addIssuer(options?: IssuerFaults & { readonly state?: IssuerState }): TestSigner
  workload(request: WorkloadRequest): TestWorkload
  /** An SVID under a path that no workload can get, such as `/blazon/node`. */
  reserved(path: string, faults?: LeafFaults): TestLeaf
  controller(faults?: LeafFaults): TestLeaf
  admin(role: AdminRole, faults?: LeafFaults): TestLeaf
}

export interface IssuerFaults extends Pick<
  LeafFaults,
  'notBefore' | 'notAfter' | 'extensions' | 'spec'
> {
  /** Who signs it, in place of the root. */
  readonly parent?: TestSigner
}

const hourMs = 3_600_000
const backdatingMs = 60_000

/** A new P-256 key pair. */
export function newKeys(): TestKeys {
  return exportKeys(generateKeyPairSync('ec', { namedCurve: 'P-256' }))
}

function exportKeys(pair: { publicKey: KeyObject; privateKey: KeyObject }): TestKeys {
  const spki = pair.publicKey.export({ type: 'spki', format: 'der' })
  return { privateKey: pair.privateKey, spki }
}

/** A whole authority in memory that mints right chains by default, and any wrong one on request. */
export function createTestCa(
  options: { readonly trustDomain?: string; readonly now?: number } = {},
): TestCa {
  const trustDomain = parseTrustDomain(options.trustDomain ?? 'acme.example')
  const now = options.now ?? Date.now()
  const root = createRoot(trustDomain, now)
  const states = new Map<string, IssuerState>()

  const addIssuer: TestCa['addIssuer'] = (faults = {}) => {
    const issuer = createIssuer({ trustDomain, root, now, faults })
    if (faults.state !== undefined) states.set(issuer.keySha256, faults.state)
    return issuer
  }
  const issuer = addIssuer({ state: 'active' })

  const leaf = (id: SpiffeId, facts: WorkloadFacts | undefined, faults: LeafFaults): TestLeaf => {
    const signer = faults.issuer ?? issuer
    const keys = faults.keys ?? newKeys()
    const validity = validityOf(faults, now)
    const right = leafSpec({
      ...validity,
      spiffeId: id,
      spki: keys.spki,
      parentSpki: signer.spki,
      ...(facts === undefined ? {} : { facts }),
    })
    const certificate = buildCertificate(applyFaults(right, faults), signer)
    return { spiffeId: id, chain: [certificate, signer.certificate], ...keys, ...validity }
  }

  const reserved: TestCa['reserved'] = (path, faults = {}) =>
    leaf(spiffeId(trustDomain, path), undefined, faults)

  return {
    trustDomain,
    now,
    root,
    issuer,
    floors: noFloors,
    bundle: (change = {}) => ({
      trustDomain,
      version: 1,
      roots: [root.certificate],
      issuers: new Map(states),
      jwtKeys: [],
      ...change,
    }),
    addIssuer,
    workload: (request) => {
      const { profile, facts } = describeWorkload(request)
      const id = request.spiffeId ?? spiffeId(trustDomain, `/ns/default/workload/${request.name}`)
      return { ...leaf(id, facts, request), profile, facts }
    },
    reserved,
    controller: (faults) => reserved('/blazon/controller', faults),
    admin: (role, faults) => reserved(`/blazon/admin/${role}`, faults),
  }
}

function validityOf(faults: LeafFaults, now: number): Validity {
  return {
    notBefore: faults.notBefore ?? now - backdatingMs,
    notAfter: faults.notAfter ?? now + (faults.ttlMs ?? hourMs),
  }
}

function applyFaults(
  right: CertificateSpec,
  faults: Pick<LeafFaults, 'extensions' | 'spec'>,
): CertificateSpec {
  const extensions = faults.extensions?.(right.extensions) ?? right.extensions
  const changed = { ...right, extensions }
  return faults.spec?.(changed) ?? changed
}

function describeWorkload(request: WorkloadRequest): {
  profile: TrustProfile
  facts: WorkloadFacts
} {
  const { profile } = createProfile(request.attributes ?? [])
  const facts: WorkloadFacts = {
    workloadId: request.workloadId ?? randomBytes(16).toString('hex'),
    generation: request.generation ?? 1,
    publicProfile: publicProfile(profile),
    profileDigest: profile.digest,
    ...request.facts,
  }
  return { profile, facts }
}

function createRoot(trustDomain: TrustDomain, now: number): TestSigner {
  const keys = newKeys()
  const validity = { notBefore: now - 24 * hourMs, notAfter: now + 3_650 * 24 * hourMs }
  const spec = rootSpec({ ...validity, trustDomain, spki: keys.spki })
  return signer(keys, spec, { key: keys.privateKey, name: spec.subject })
}

function createIssuer(input: {
  readonly trustDomain: TrustDomain
  readonly root: TestSigner
  readonly now: number
  readonly faults: IssuerFaults
}): TestSigner {
  const parent = input.faults.parent ?? input.root
  const keys = newKeys()
  const spec = issuerSpec({
    notBefore: input.faults.notBefore ?? input.now - 12 * hourMs,
    notAfter: input.faults.notAfter ?? input.now + 30 * 24 * hourMs,
    trustDomain: input.trustDomain,
    spki: keys.spki,
    parentSpki: parent.spki,
  })
  return signer(keys, applyFaults(spec, input.faults), parent)
}

function signer(keys: TestKeys, spec: CertificateSpec, parent: CertificateSigner): TestSigner {
  return {
    key: keys.privateKey,
    name: spec.subject,
    spki: keys.spki,
    keySha256: keySha256(keys.spki),
    certificate: buildCertificate(spec, parent),
  }
}
