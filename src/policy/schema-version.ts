import type { PolicyDocument } from './document.ts'

/**
 * The newest version of documents that this code can enforce. It grows with every kind or field that
 * an older sidecar would refuse, so that nobody is sent what it cannot enforce.
 *
 * - 1: NetworkPolicy, EnrolmentRule, LabelAssignment.
 * - 2: `when` and `onReject` of NetworkPolicy, Guardrail, Observe.
 */
export const documentSchemaVersion = 2

/** The oldest version that can enforce this document. */
export function requiredSchema(document: PolicyDocument): number {
  switch (document.kind) {
    case 'NetworkPolicy': {
      const { when, onReject } = document.spec
      return when === undefined && onReject === 'keep' ? 1 : 2
    }
    case 'EnrolmentRule':
    case 'LabelAssignment':
      return 1
    case 'Guardrail':
    case 'Observe':
      return 2
    default:
      return document satisfies never
  }
}
