import { expect } from 'chai'
import {
  judgeClaim,
  type ClaimVerdict,
  type InstanceFacts,
} from '../../../src/controller/enrolment/instance-claim.ts'
import { bound, minuteMs, nothing, rules, started } from '../../support/instance-claims.ts'

/** The claim of a key some minutes after the start of the instance. */
function judge(
  nodeKeySha256: string,
  afterMinutes: number,
  facts: Partial<InstanceFacts> = {},
  change: { pendingTimeMs?: number; keysPerNode?: number } = {},
): ClaimVerdict {
  const { pendingTimeMs = started, keysPerNode = 1 } = change
  return judgeClaim(
    { nodeKeySha256, pendingTimeMs, now: started + afterMinutes * minuteMs },
    { ...nothing, ...facts },
    { ...rules, keysPerNode },
  )
}

const refused = (refusal: string): object => ({ kind: 'refuse', refusal })
const bindBy = (by: string, replaces?: string): object => ({ kind: 'bind', by, replaces })

describe('judgeClaim()', () => {
  describe('the first enrolment of an instance', () => {
    it('needs a pending time of at most 15 minutes, or a grant', () => {
      expect(judge('first', 0)).to.deep.equal(bindBy('window'))
      expect(judge('first', 15)).to.deep.equal(bindBy('window'))
      expect(judge('first', 15.01)).to.deep.equal(refused('window-passed'))
      expect(judge('first', 600, { hasGrant: true })).to.deep.equal(bindBy('grant'))
    })

    it('needs a pending time of less where a rule says so', () => {
      const claim = { nodeKeySha256: 'first', pendingTimeMs: started, now: started + 61_000 }
      const verdict = judgeClaim(claim, nothing, { ...rules, firstEnrolmentWithinMs: minuteMs })
      expect(verdict).to.deep.equal(refused('window-passed'))
    })

    it('takes a pending time up to a minute ahead of our clock', () => {
      expect(judge('first', -1)).to.deep.equal(bindBy('window'))
      expect(judge('first', -1.01)).to.deep.equal(refused('pending-time-in-future'))
      expect(judge('first', -2, { hasGrant: true })).to.deep.equal(
        refused('pending-time-in-future'),
      )
    })

    it('refuses a key that another instance has', () => {
      const facts = { otherInstance: 'aws:1:r:i', hasGrant: true }
      expect(judge('first', 1, facts)).to.deep.equal(refused('key-of-another-instance'))
    })

    it('binds as many keys as the rules allow', () => {
      const claimants = [bound()]
      expect(judge('second', 2, { claimants }, { keysPerNode: 2 })).to.deep.equal(bindBy('window'))
      expect(judge('second', 20, { claimants }, { keysPerNode: 2 })).to.deep.equal(
        refused('window-passed'),
      )
    })
  })

  describe('the bound key', () => {
    it('is known at any time, with the document that it has or a newer one', () => {
      const claimants = [bound()]
      expect(judge('first', 60 * 24, { claimants })).to.deep.equal({ kind: 'known' })
      const pendingTimeMs = started + 5 * minuteMs
      expect(judge('first', 600, { claimants }, { pendingTimeMs })).to.deep.equal({ kind: 'known' })
    })

    it('is refused with a document older than one that was seen', () => {
      const claimants = [bound({ pendingTimeMs: started + 1_000 })]
      expect(judge('first', 1, { claimants })).to.deep.equal(refused('pending-time-back'))
      expect(judge('first', 1, { claimants, hasGrant: true })).to.deep.equal(
        refused('pending-time-back'),
      )
    })
  })

  describe('a second claimant', () => {
    it('stops both while its evidence is as good as that of the first', () => {
      const verdict = judge('second', 3, { claimants: [bound()] })
      expect(verdict).to.deep.equal({
        kind: 'contest',
        cause: 'same-evidence',
        claimants: ['second', 'first'],
      })
    })

    it('stops nobody once the document is old', () => {
      expect(judge('second', 16, { claimants: [bound()] })).to.deep.equal(refused('another-key'))
    })

    it('stops nobody whom an operator has vouched for', () => {
      const claimants = [bound({ boundBy: 'grant' })]
      expect(judge('second', 3, { claimants })).to.deep.equal(refused('another-key'))
    })

    it('stops nobody who was bound before the instance was started again', () => {
      const claimants = [bound({ boundPendingTimeMs: started - 1, pendingTimeMs: started })]
      expect(judge('second', 3, { claimants })).to.deep.equal(refused('another-key'))
    })

    it('is refused while two are stopped, and so are they', () => {
      const claimants = [
        bound({ standing: 'frozen' }),
        bound({ nodeKeySha256: 'second', standing: 'frozen', boundBy: 'claim' }),
      ]
      for (const key of ['first', 'second', 'third']) {
        expect(judge(key, 3, { claimants, hasGrant: true }), key).to.deep.equal(
          refused('instance-frozen'),
        )
      }
    })

    it('stays out once it was found not to be the node', () => {
      const claimants = [
        bound(),
        bound({ nodeKeySha256: 'second', standing: 'barred', boundBy: 'claim' }),
      ]
      expect(judge('second', 3, { claimants })).to.deep.equal(refused('key-barred'))
      expect(judge('first', 3, { claimants })).to.deep.equal({ kind: 'known' })
    })

    it('leaves no room for a third on the same document when neither was kept', () => {
      const claimants = [
        bound({ standing: 'barred' }),
        bound({ nodeKeySha256: 'second', standing: 'barred', boundBy: 'claim' }),
      ]
      expect(judge('third', 4, { claimants })).to.deep.equal(refused('window-passed'))
      expect(judge('third', 4, { claimants, hasGrant: true })).to.deep.equal(bindBy('grant'))
      const pendingTimeMs = started + minuteMs
      expect(judge('third', 4, { claimants }, { pendingTimeMs })).to.deep.equal(bindBy('window'))
    })
  })

  describe('without the bound key', () => {
    const old = bound({
      boundPendingTimeMs: started - 600 * minuteMs,
      pendingTimeMs: started - 600 * minuteMs,
      lastUsedMs: started - 90 * minuteMs,
      isLive: false,
    })
    const right: Partial<InstanceFacts> = { claimants: [old], isStartedByEc2: true }

    it('binds another after a restart that EC2 confirms', () => {
      expect(judge('second', 3, right)).to.deep.equal(bindBy('window', 'first'))
    })

    const wrong: Readonly<Record<string, Partial<InstanceFacts>>> = {
      'EC2 does not confirm it': { ...right, isStartedByEc2: false },
      'the key was used since': { ...right, claimants: [{ ...old, lastUsedMs: started }] },
      'an SVID or a stream of the node lives': { ...right, claimants: [{ ...old, isLive: true }] },
    }
    for (const [what, facts] of Object.entries(wrong)) {
      it(`refuses where ${what}`, () => {
        expect(judge('second', 3, facts)).to.deep.equal(refused('another-key'))
      })
      it(`binds by an operator's grant where ${what}`, () => {
        expect(judge('second', 3, { ...facts, hasGrant: true })).to.deep.equal(
          bindBy('grant', 'first'),
        )
      })
    }

    it('refuses more than 15 minutes after the restart', () => {
      expect(judge('second', 16, right)).to.deep.equal(refused('another-key'))
    })

    it('replaces the key that was used least recently', () => {
      const claimants = [
        bound({ boundBy: 'grant' }),
        bound({ nodeKeySha256: 'idle', boundBy: 'grant', lastUsedMs: started - 1 }),
      ]
      const facts = { claimants, hasGrant: true }
      expect(judge('new', 600, facts, { keysPerNode: 2 })).to.deep.equal(bindBy('grant', 'idle'))
    })

    it('stops both when the replaced key comes back', () => {
      const claimants = [
        bound({ standing: 'replaced' }),
        bound({ nodeKeySha256: 'second', boundBy: 'grant' }),
      ]
      expect(judge('first', 600, { claimants })).to.deep.equal({
        kind: 'contest',
        cause: 'replaced-key',
        claimants: ['first', 'second'],
      })
    })
  })
})
