import { quote } from '../base/errors.ts'
import { byPrecedence, compilePolicy } from './compiled-policy.ts'
import type { PolicyDocument } from './document.ts'
import type { NetworkPolicy } from './network-policy.ts'
import { PolicyError } from './policy-error.ts'
import { PolicySet, type DecisionLimits } from './policy-set.ts'

/** 32 MB at worst, far beyond what one sidecar meets. */
export const defaultDecisionLimits: DecisionLimits = { profiles: 16_384, verdicts: 262_144 }

/**
 * Compiles the documents that take part in decisions, in whatever order they come; others are left
 * aside. Throws `ERR_POLICY_SET` where two policies have one name.
 */
export function compilePolicies(
  documents: Iterable<PolicyDocument>,
  limits: Partial<DecisionLimits> = {},
): PolicySet {
  const policies = Array.from(documents).filter(isNetworkPolicy)
  refuseRepeatedNames(policies)
  const compiled = policies.sort(byPrecedence).map(compilePolicy)
  return new PolicySet(compiled, { ...defaultDecisionLimits, ...limits })
}

function isNetworkPolicy(document: PolicyDocument): document is NetworkPolicy {
  switch (document.kind) {
    case 'NetworkPolicy':
      return true
    case 'EnrolmentRule':
    case 'LabelAssignment':
      return false
    default:
      return document satisfies never
  }
}

function refuseRepeatedNames(policies: readonly NetworkPolicy[]): void {
  const names = new Set<string>()
  for (const { kind, name } of policies) {
    if (names.has(name)) {
      const message = `expected one ${kind} of each name, got two called ${quote(name)}`
      const problem = { source: 'policy set', line: 0, column: 0, message }
      throw new PolicyError('ERR_POLICY_SET', [problem])
    }
    names.add(name)
  }
}
