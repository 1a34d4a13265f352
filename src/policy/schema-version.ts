import { isExternal } from './external-words.ts'
import type { PolicyDocument } from './document.ts'
import type { ExternalService } from './external-service.ts'
import type { Guardrail } from './guardrail.ts'
import type { NetworkPolicy } from './network-policy.ts'
import { isDatagramPort } from './port.ts'

/**
 * The newest version of documents that this code can enforce; what needs a newer one is read, and
 * refused where it would concern a sidecar. It grows with every kind or field that
 * an older sidecar would refuse, so that nobody is sent what it cannot enforce.
 *
 * - 1: NetworkPolicy, EnrolmentRule, LabelAssignment.
 * - 2: `when` and `onReject` of NetworkPolicy, Guardrail, Observe.
 * - 3: ExternalService, `external` in selectors.
 * - 4: `http` of NetworkPolicy.
 * - 5: `expires` and `l7` of ExternalService, `relay` of NetworkPolicy and Guardrail.
 * - 6: `udp/PORT` and `icmp` among ports.
 */
export const documentSchemaVersion = 6

/** The oldest version that can enforce this document. */
export function requiredSchema(document: PolicyDocument): number {
  switch (document.kind) {
    case 'NetworkPolicy': {
      if (namesDatagrams(document)) return 6
      if (document.spec.relay !== undefined) return 5
      if (document.spec.http !== undefined) return 4
      if (namesOutsiders(document)) return 3
      const { when, onReject } = document.spec
      return when === undefined && onReject === 'keep' ? 1 : 2
    }
    case 'EnrolmentRule':
    case 'LabelAssignment':
      return 1
    case 'Guardrail':
      if (namesDatagrams(document)) return 6
      if (document.spec.relay !== undefined) return 5
      return namesOutsiders(document) ? 3 : 2
    case 'Observe':
      return 2
    case 'ExternalService':
      if (namesDatagrams(document)) return 6
      return document.spec.l7 || document.spec.expires !== undefined ? 5 : 3
    default:
      return document satisfies never
  }
}

function namesDatagrams({ spec }: NetworkPolicy | Guardrail | ExternalService): boolean {
  return spec.ports?.some(isDatagramPort) === true
}

function namesOutsiders({ spec: { from, to } }: NetworkPolicy | Guardrail): boolean {
  return from.some(isExternal) || to.some(isExternal)
}

/** Whether a document decides on peers outside the mesh only. */
export function isOnlyAboutOutsiders({ spec: { from, to } }: NetworkPolicy | Guardrail): boolean {
  return from.every(isExternal) || to.every(isExternal)
}
