import { randomBytes } from 'node:crypto'
import { silentLogger } from '../../src/base/logger.ts'
import { openAuthority, type Authority, type Issued } from '../../src/ca/authority.ts'
import { readPublicKey } from '../../src/ca/csr.ts'
import { createKeyProtector, type KeyProtector } from '../../src/ca/key-protector.ts'
import { noFloors } from '../../src/identity/floors.ts'
import { emptyProfile } from '../../src/identity/profile.ts'
import type { WorkloadFacts } from '../../src/identity/identity-extension.ts'
import { parseTrustDomain, spiffeId } from '../../src/identity/spiffe-id.ts'
import { verifyPeer } from '../../src/identity/verify-peer.ts'
import { createFakeClock, type FakeClock } from './fake-clock.ts'
import { createMemoryAuthorityStore, type MemoryAuthorityStore } from './memory-authority-store.ts'
import { newKeys } from './test-ca.ts'

/** A real authority on a memory store, with two-hour issuers and a clock that the test moves. */
export interface TestAuthority {
  readonly store: MemoryAuthorityStore
  readonly clock: FakeClock
  readonly protector: KeyProtector
  readonly open: (change?: { readonly trustDomain?: string }) => Promise<Authority>
}

export const testIssuerMs: number = 2 * 3_600_000

export function createTestAuthority(): TestAuthority {
  const store = createMemoryAuthorityStore()
  const clock = createFakeClock(Date.UTC(2026, 0, 1))
  const protector = createKeyProtector({ key: randomBytes(32), purpose: 'ca' })
  return {
    store,
    clock,
    protector,
    open: (change = {}) =>
      openAuthority({
        store,
        protector,
        clock,
        trustDomain: parseTrustDomain(change.trustDomain ?? 'acme.example'),
        lifetimes: { issuerMs: testIssuerMs, minTtlMs: 1_000 },
        log: silentLogger,
      }),
  }
}

export const testFacts: WorkloadFacts = {
  workloadId: '00112233445566778899aabbccddeeff',
  generation: 1,
  publicProfile: emptyProfile,
  profileDigest: emptyProfile.digest,
}

/** Issues a workload's SVID for a new key. */
export function issueWeb(authority: Authority, ttlMs: number): Issued {
  const id = spiffeId(authority.trustDomain, '/ns/default/workload/web')
  const key = readPublicKey(newKeys().spki)
  return authority.issueWorkload({ key, spiffeId: id, facts: testFacts, ttlMs })
}

/** `ok`, or the reason for which a peer that holds this bundle refuses the chain. */
export function verdictOn(issued: Issued, authority: Authority, now: number): string {
  const { chain } = issued
  const verdict = verifyPeer({ chain, bundle: authority.bundle(), floors: noFloors, now })
  return verdict.ok ? 'ok' : verdict.code
}
