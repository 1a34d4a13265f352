import type {
  ClaimRules,
  InstanceFacts,
  KnownClaimant,
} from '../../src/controller/enrolment/instance-claim.ts'

export const minuteMs = 60_000
/** When the instance was started, in a world that begins a day before. */
export const started: number = 24 * 60 * minuteMs
export const rules: ClaimRules = { keysPerNode: 1, firstEnrolmentWithinMs: 15 * minuteMs }

export const bound = (change: Partial<KnownClaimant> = {}): KnownClaimant => ({
  nodeKeySha256: 'first',
  standing: 'good',
  boundBy: 'window',
  boundPendingTimeMs: started,
  pendingTimeMs: started,
  lastUsedMs: started + minuteMs,
  isLive: true,
  ...change,
})

export const nothing: InstanceFacts = {
  claimants: [],
  otherInstance: undefined,
  hasGrant: false,
  isStartedByEc2: false,
}
