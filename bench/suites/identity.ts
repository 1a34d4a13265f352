import {
  loadIidKeys,
  verifyIid,
  type IidEvidence,
  type IidForm,
} from '../../src/attest/iid/index.ts'
import { readCsr, readPublicKey } from '../../src/ca/csr.ts'
import {
  createCsr,
  createProfile,
  decodeProfile,
  noFloors,
  publicProfile,
  spiffeId,
  verifyPeer,
  type Attribute,
  type TrustProfile,
  type WorkloadFacts,
} from '../../src/identity/index.ts'
import { evidenceOf, realIids } from '../../test/support/real-iids.ts'
import { createTestAuthority } from '../../test/support/test-authority.ts'
import { newKeys } from '../../test/support/test-ca.ts'
import { mintIid, testIidKeys } from '../../test/support/test-iid.ts'
import { fleetProfiles } from '../fixtures/policy-fleet.ts'
import { rateRow } from '../rates.ts'
import type { BenchContext, Row } from '../row.ts'

/** So many different inputs to each: what is remembered of one is no help with the next. */
const different = 512

/** What a controller does for one workload, step by step, on one thread. */
export async function run(context: BenchContext): Promise<Row[]> {
  return [
    ...(await documentRows(context)),
    ...(await certificateRows(context)),
    ...profileRows(context),
  ]
}

async function documentRows(context: BenchContext): Promise<Row[]> {
  const keys = testIidKeys()
  const verify = (evidence: IidEvidence): void => {
    mustBe(verifyIid(evidence, keys).ok)
  }
  const minted = (form: IidForm): IidEvidence[] =>
    many((at) => mintIid(form, { instanceId: `i-${at.toString(16).padStart(17, '0')}` }))
  const note = 'documents of our making, each another, signed with keys of the size that AWS uses'
  const targets = { rsa2048: { target: 3_000 }, pkcs7: {}, signature: {} }
  const rows = (['rsa2048', 'pkcs7', 'signature'] as const).map((form) => {
    const measure = { test: `instance document verified, ${form}`, note, ...targets[form] }
    return rateRow(context, measure, minted(form), verify)
  })
  const pinned = await loadIidKeys()
  const real = realIids.filter(({ form }) => form === 'rsa2048').map((one) => evidenceOf(one))
  const measure = { test: 'instance document verified, rsa2048, real ones', target: 3_000 }
  rows.push(
    rateRow(context, measure, real, (evidence) => {
      mustBe(verifyIid(evidence, pinned).ok)
    }),
  )
  return rows
}

async function certificateRows(context: BenchContext): Promise<Row[]> {
  const { open, clock } = createTestAuthority()
  const authority = await open()
  const subjects = fleetProfiles(different).map((profile, at) => {
    const { privateKey, spki } = newKeys()
    const id = spiffeId(authority.trustDomain, `/ns/default/workload/w${String(at)}`)
    return {
      key: readPublicKey(spki),
      csr: createCsr(privateKey),
      spiffeId: id,
      facts: factsOf(profile, at),
    }
  })
  const ttlMs = 3_600_000
  const chains = subjects.map((subject) => authority.issueWorkload({ ...subject, ttlMs }).chain)
  const bundle = authority.bundle()
  const now = clock.now()
  return [
    rateRow(context, { test: 'certificate issued', target: 3_000 }, subjects, (subject) =>
      authority.issueWorkload({ ...subject, ttlMs }),
    ),
    rateRow(context, { test: 'certificate issued from a request' }, subjects, (subject) =>
      authority.issueWorkload({ ...subject, key: readCsr(subject.csr), ttlMs }),
    ),
    rateRow(context, { test: 'peer verified' }, chains, (chain) => {
      mustBe(verifyPeer({ chain: chain.map(copy), bundle, floors: noFloors, now }).ok)
    }),
  ]
}

function profileRows(context: BenchContext): Row[] {
  const profiles = fleetProfiles(different)
  const attributes = profiles.map(attributesOf)
  const encoded = profiles.map((profile) => profile.encoded)
  return [
    rateRow(context, { test: 'profile made of 40 attributes' }, attributes, createProfile),
    rateRow(context, { test: 'profile of 40 attributes decoded' }, encoded, decodeProfile),
  ]
}

function attributesOf({ entries }: TrustProfile): Attribute[] {
  return [...entries].flatMap(([key, { provenance, values }]) =>
    values.map((value) => ({ key, value, provenance })),
  )
}

function factsOf(profile: TrustProfile, at: number): WorkloadFacts {
  return {
    workloadId: at.toString(16).padStart(32, '0'),
    generation: 1,
    publicProfile: publicProfile(profile),
    profileDigest: profile.digest,
  }
}

function many<T>(make: (at: number) => T): T[] {
  return Array.from({ length: different }, (_, at) => make(at))
}

/** A connection brings bytes of its own, not the ones that were issued. */
function copy(bytes: Buffer): Buffer {
  return Buffer.from(bytes)
}

/** A refusal can be quicker than the work. */
function mustBe(isGood: boolean): void {
  if (!isGood) throw new Error('BUG: what was to be measured was refused')
}
