import { expect } from 'chai'
import fc from 'fast-check'
import {
  judgeClaim,
  type ClaimVerdict,
  type KnownClaimant,
} from '../../src/controller/enrolment/instance-claim.ts'
import { bound, minuteMs, nothing, rules, started } from '../support/instance-claims.ts'
import { propertyRuns } from '../support/property-runs.ts'

describe('judgeClaim()', () => {
  it('never lets more keys be good than the rules allow, whoever claims', () => {
    const claims = fc.array(
      fc.record({
        key: fc.constantFrom('a', 'b', 'c', 'd'),
        pending: fc.integer({ min: 0, max: 4 }),
        at: fc.integer({ min: 0, max: 60 }),
        hasGrant: fc.boolean(),
        isStartedByEc2: fc.boolean(),
      }),
      { maxLength: 12 },
    )
    fc.assert(
      fc.property(claims, fc.integer({ min: 1, max: 2 }), (list, keysPerNode) => {
        const known = new Map<string, KnownClaimant>()
        let now = started
        for (const { key, pending, at, hasGrant, isStartedByEc2 } of list) {
          now += at * minuteMs
          const pendingTimeMs = started + pending * 20 * minuteMs
          const claim = { nodeKeySha256: key, pendingTimeMs, now }
          const claimants = [...known.values()]
          const facts = { ...nothing, claimants, hasGrant, isStartedByEc2 }
          const verdict = judgeClaim(claim, facts, { ...rules, keysPerNode })
          apply(known, verdict, claim)
          const good = [...known.values()].filter(({ standing }) => standing === 'good')
          expect(good.length).to.be.at.most(keysPerNode)
          if (verdict.kind === 'known') expect(known.get(key)?.standing).to.equal('good')
        }
      }),
      propertyRuns(),
    )
  })
})

/** What the controller does with a verdict, in a world where every key is idle at once. */
function apply(
  known: Map<string, KnownClaimant>,
  verdict: ClaimVerdict,
  claim: { nodeKeySha256: string; pendingTimeMs: number; now: number },
): void {
  const { nodeKeySha256, pendingTimeMs, now } = claim
  const set = (key: string, change: Partial<KnownClaimant>): void => {
    known.set(key, { ...(known.get(key) ?? bound({ nodeKeySha256: key })), ...change })
  }
  switch (verdict.kind) {
    case 'known':
      set(nodeKeySha256, { pendingTimeMs, lastUsedMs: now })
      return
    case 'bind':
      if (verdict.replaces !== undefined) set(verdict.replaces, { standing: 'replaced' })
      set(nodeKeySha256, {
        standing: 'good',
        boundBy: verdict.by,
        boundPendingTimeMs: pendingTimeMs,
        pendingTimeMs,
        lastUsedMs: now,
        isLive: false,
      })
      return
    case 'contest':
      for (const key of verdict.claimants) set(key, { standing: 'frozen' })
      return
    case 'refuse':
      return
    default:
      verdict satisfies never
  }
}
