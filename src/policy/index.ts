/**
 * Policy: what administrators write, and what it decides. Documents are read by declarative shapes
 * that complain about everything at once; network policies compile to a set that answers "may this
 * profile open a connection to that one?" the same way at both ends of a tunnel. Everything here is
 * pure and synchronous: no clock, no files, no log.
 */
export { decodeDocument, encodeSpec, type EncodedDocument } from './canonical.ts'
export type { Clause, Miss } from './clause.ts'
export { compileInSteps, compilePolicies, defaultDecisionLimits, isDecisive } from './compile.ts'
export { isRestricting, type CompiledPolicy, type DecisionDocument } from './compiled-policy.ts'
export { conditionHelpers, conditionLimits } from './condition-language.ts'
export {
  documentKinds,
  isDocumentKind,
  type DocumentKind,
  type PolicyDocument,
} from './document.ts'
export { formatDuration } from './duration.ts'
export { encryptions, type Encryption } from './encryption.ts'
export {
  longestFirstEnrolmentMs,
  ruleAllowsClaim,
  ruleAllowsName,
  ruleTakesForm,
  type Claims,
  type DocumentForm,
  type EnrolmentRule,
  type EnrolmentRuleSpec,
  type Requirement,
} from './enrolment-rule.ts'
export { explain, type ExplainedAction, type ExplainedPolicy, type Explanation } from './explain.ts'
export { createExternalPeers, type ExternalPeer, type ExternalPeers } from './external-peers.ts'
export {
  createExternalReaches,
  type ExternalReach,
  type ExternalReaches,
} from './external-reach.ts'
export {
  asksForServerName,
  isInForce,
  isNameOf,
  profileOfService,
  unlistedName,
  unlistedProfile,
  type ExternalService,
  type ExternalServiceSpec,
} from './external-service.ts'
export { isDnsName } from './dns-name.ts'
export { isOutsider } from './external-words.ts'
export { earlier } from './guarding.ts'
export type { Guardrail, GuardrailAction, GuardrailSpec } from './guardrail.ts'
export { httpRequestLimits, type HttpRequest } from './http-request.ts'
export type { HttpRule } from './http-rule.ts'
export { documentJsonSchema, documentJsonSchemaText } from './json-schema.ts'
export { labelProvenance, type Labels } from './labels.ts'
export type { LabelAssignment, LabelAssignmentSpec } from './label-assignment.ts'
export { documentLimits } from './limits.ts'
export type { Action, NetworkPolicy, NetworkPolicySpec, PolicyMode } from './network-policy.ts'
export type { Observe, ObserveSpec } from './observe.ts'
export { onRejectOf, onRejects, type OnReject } from './on-reject.ts'
export { documentId, parseDocuments } from './parse.ts'
export { formatProblem, PolicyError, type PolicyErrorCode, type Problem } from './policy-error.ts'
export { PolicySet, type DecisionLimits } from './policy-set.ts'
export {
  formatPort,
  icmpPort,
  isDatagramPort,
  isTcpPort,
  parsePort,
  portNumber,
  portProtocol,
  udpPort,
  type Port,
  type PortProtocol,
} from './port.ts'
export type { Passage, RelayTrust } from './relay.ts'
export type { ReadOptions } from './read-options.ts'
export { isReason, reasonOfCode, reasons, type Reason } from './reason.ts'
export { isNeverOutside, neverOutside } from './reserved-addresses.ts'
export { documentSchemaVersion, isOnlyAboutOutsiders, requiredSchema } from './schema-version.ts'
export { matchedProvenance, matchesSelector, type Selector, type Term } from './selector.ts'
export { SubsetIndex } from './subset-index.ts'
export type { Question, Verdict } from './verdict.ts'
