import { finish, sortInSteps, type Steps } from '../base/steps.ts'
import { quote } from '../base/errors.ts'
import {
  byPrecedence,
  compilePolicy,
  type CompiledPolicy,
  type DecisionDocument,
} from './compiled-policy.ts'
import type { PolicyDocument } from './document.ts'
import { PolicyError } from './policy-error.ts'
import { PolicySet, type DecisionLimits } from './policy-set.ts'
import { ProfileTable } from './profile-table.ts'

/** 32 MB at worst, far beyond what one sidecar meets. */
export const defaultDecisionLimits: DecisionLimits = { profiles: 16_384, verdicts: 262_144 }

/**
 * Compiles the documents that take part in decisions, in whatever order they come; others are left
 * aside. Throws `ERR_POLICY_SET` where two of a kind have one name.
 */
export function compilePolicies(
  documents: Iterable<PolicyDocument>,
  limits: Partial<DecisionLimits> = {},
): PolicySet {
  return finish(compileInSteps(documents, limits))
}

// A change of one document compiles a set of thousands that are what they were.
const compiledBefore = new WeakMap<DecisionDocument, CompiledPolicy>()

/** The same, to be left between two documents: thousands of them take a good part of a second. */
export function* compileInSteps(
  documents: Iterable<PolicyDocument>,
  limits: Partial<DecisionLimits> = {},
): Steps<PolicySet> {
  const seen = new Set<string>()
  const compiled: CompiledPolicy[] = []
  for (const document of documents) {
    if (!isDecisive(document)) continue
    refuseRepeatedName(document, seen)
    compiled.push(compiledBefore.getOrInsertComputed(document, compilePolicy))
    yield
  }
  const sorted = yield* sortInSteps(compiled, byPrecedence)
  const table = yield* ProfileTable.of(sorted)
  return new PolicySet(sorted, table, { ...defaultDecisionLimits, ...limits })
}

/** Whether a document takes part in decisions, so that sidecars have to know it. */
export function isDecisive(document: PolicyDocument): document is DecisionDocument {
  switch (document.kind) {
    case 'NetworkPolicy':
    case 'Guardrail':
    case 'Observe':
      return true
    case 'EnrolmentRule':
    case 'LabelAssignment':
    case 'ExternalService':
      return false
    default:
      return document satisfies never
  }
}

function refuseRepeatedName({ kind, name }: DecisionDocument, seen: Set<string>): void {
  const id = `${kind} ${name}`
  if (seen.has(id)) {
    const message = `expected one ${kind} of each name, got two called ${quote(name)}`
    const problem = { source: 'policy set', line: 0, column: 0, message }
    throw new PolicyError('ERR_POLICY_SET', [problem])
  }
  seen.add(id)
}
