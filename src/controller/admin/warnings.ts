import { isAddressKey } from '../../identity/index.ts'
import type { PolicyDocument, Selector } from '../../policy/index.ts'

/** What is allowed, and still probably not what somebody wants. */
export function warningsOf(document: PolicyDocument): string[] {
  const where = `${document.kind} ${document.name}`
  return addressKeys(document).map(
    (key) => `${where}: ${key} is an address, and addresses change; select on what a workload is`,
  )
}

function addressKeys(document: PolicyDocument): string[] {
  const keys = selectorsOf(document).flatMap((selector) =>
    selector.flatMap((alternative) => alternative.map(({ key }) => key)),
  )
  return [...new Set(keys.filter(isAddressKey))]
}

function selectorsOf(document: PolicyDocument): readonly Selector[] {
  switch (document.kind) {
    case 'NetworkPolicy':
    case 'Guardrail':
      return [document.spec.from, document.spec.to]
    case 'EnrolmentRule':
      return [document.spec.match]
    case 'Observe':
      return [document.spec.scope]
    case 'LabelAssignment':
      return [document.spec.select]
    case 'ExternalService':
      return []
    default:
      return document satisfies never
  }
}
