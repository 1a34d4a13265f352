/**
 * Policy: what administrators write, and what it decides. Documents are read by declarative shapes
 * that complain about everything at once; network policies compile to a set that answers "may this
 * profile open a connection to that one?" the same way at both ends of a tunnel. Everything here is
 * pure and synchronous: no clock, no files, no log.
 */
export { decodeDocument, encodeSpec, type EncodedDocument } from './canonical.ts'
export type { Clause, Miss } from './clause.ts'
export { compilePolicies, defaultDecisionLimits } from './compile.ts'
export {
  documentKinds,
  isDocumentKind,
  type DocumentKind,
  type PolicyDocument,
} from './document.ts'
export { formatDuration } from './duration.ts'
export { encryptions, type Encryption } from './encryption.ts'
export {
  ruleAllowsClaim,
  ruleAllowsName,
  type Claims,
  type EnrolmentRule,
  type EnrolmentRuleSpec,
} from './enrolment-rule.ts'
export { explain, type ExplainedPolicy, type Explanation } from './explain.ts'
export { labelProvenance, type Labels } from './labels.ts'
export type { LabelAssignment, LabelAssignmentSpec } from './label-assignment.ts'
export { documentLimits } from './limits.ts'
export type { Action, NetworkPolicy, NetworkPolicySpec, PolicyMode } from './network-policy.ts'
export { documentId, parseDocuments } from './parse.ts'
export { formatProblem, PolicyError, type PolicyErrorCode, type Problem } from './policy-error.ts'
export { PolicySet, type DecisionLimits } from './policy-set.ts'
export { isReason, reasonOfCode, reasons, type Reason } from './reason.ts'
export { matchedProvenance, matchesSelector, type Selector, type Term } from './selector.ts'
export type { Question, Verdict } from './verdict.ts'
