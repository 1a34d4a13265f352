import type { Steps } from '../../base/steps.ts'
import {
  compileInSteps,
  compilePolicies,
  isDatagramPort,
  isDecisive,
  isOnlyAboutOutsiders,
  isRestricting,
  profileOfService,
  requiredSchema,
  type DecisionDocument,
  type ExternalService,
  type PolicyDocument,
} from '../../policy/index.ts'
import type { TrustProfile } from '../../identity/index.ts'

/** What of the documents that concern a sidecar it can be sent (docs/operations.md, "Older sidecars"). */
export interface Sendable {
  /** Undefined: without what it cannot enforce it would let more through, so it gets nothing newer. */
  readonly documents: readonly DecisionDocument[] | undefined
  /** Says what it cannot enforce; empty when it can enforce all. */
  readonly shortfall: string
}

/** A workload whose sidecar is too old for documents that concern it. */
export interface Lagging {
  readonly name: string
  readonly schemaVersion: number
  readonly documents: readonly DecisionDocument[]
}

/** A workload, and the newest form of documents that its sidecar enforces. */
export interface Enforcer {
  readonly name: string
  readonly profile: TrustProfile
  readonly schemaVersion: number
}

const mostNamed = 5

/**
 * Leaves out what a sidecar cannot enforce where that can only deny more; where it would let something
 * through, there is nothing to send. A sidecar so old encrypts whatever it lets through, so that an
 * allow which is left out takes no demand for encryption with it.
 */
export function sendableTo(
  schemaVersion: number,
  documents: readonly DecisionDocument[],
): Sendable {
  const tooNew = documents.filter((document) => requiredSchema(document) > schemaVersion)
  if (tooNew.length === 0) return { documents, shortfall: '' }
  const shortfall = tooOld(schemaVersion, tooNew)
  if (!tooNew.every(isSafeToLeaveOut)) return { documents: undefined, shortfall }
  return { documents: documents.filter((document) => !tooNew.includes(document)), shortfall }
}

/**
 * The external services among these that a sidecar understands. Undefined where it would not understand
 * one that something denies it: without that service, its addresses could be those of a wider one.
 */
export function sendableServices(
  schemaVersion: number,
  services: readonly ExternalService[],
  documents: readonly DecisionDocument[],
): Pick<Sendable, 'shortfall'> & { readonly services: readonly ExternalService[] | undefined } {
  const tooNew = services.filter((service) => requiredSchema(service) > schemaVersion)
  if (tooNew.length === 0) return { services, shortfall: '' }
  const shortfall = tooOld(schemaVersion, tooNew)
  const restricting = compilePolicies(documents.filter(isRestricting))
  const isSafe = tooNew.every(
    (service) => restricting.relevantFor(profileOfService(service)).length === 0,
  )
  if (!isSafe) return { services: undefined, shortfall }
  return { services: services.filter((service) => !tooNew.includes(service)), shortfall }
}

/** The workloads that some of these documents concern and that cannot enforce them. */
export function* laggingBehind(
  documents: readonly PolicyDocument[],
  enforcers: Iterable<Enforcer>,
): Steps<Lagging[]> {
  const behind = [...enforcers]
  const oldest = behind.reduce((least, one) => Math.min(least, one.schemaVersion), Infinity)
  const demanding = documents.filter(
    (document) => isDecisive(document) && requiredSchema(document) > oldest,
  )
  if (demanding.length === 0) return []
  const policies = yield* compileInSteps(demanding)
  const lagging: Lagging[] = []
  for (const { name, profile, schemaVersion } of behind) {
    const tooNew = policies
      .relevantFor(profile)
      .filter((document) => requiredSchema(document) > schemaVersion)
    if (tooNew.length > 0) lagging.push({ name, schemaVersion, documents: tooNew })
    yield
  }
  return lagging
}

/** Who lags behind what, in words. */
export function describeLagging(lagging: readonly Lagging[]): string {
  const documents = new Set(lagging.flatMap((one) => one.documents.map(nameWithNeed)))
  const workloads = lagging.map(
    ({ name, schemaVersion }) => `${name} (schema version ${String(schemaVersion)})`,
  )
  return `${listed([...documents])} cannot be enforced by the sidecars of ${listed(workloads)}`
}

/** Without it less is allowed, or nothing changes. */
function isSafeToLeaveOut(document: DecisionDocument): boolean {
  // A sidecar that does not know of datagrams lets none out; of TCP it would let out what is denied beside them.
  if (document.kind !== 'Observe' && document.spec.ports?.some(isDatagramPort) === true) {
    return !isRestricting(document) || document.spec.ports.every(isDatagramPort)
  }
  switch (document.kind) {
    case 'NetworkPolicy':
      // Where a port is not in HTTP mode, a client writes the headers that the application trusts there.
      if (document.spec.http !== undefined) return false
      // It asks for encryption, and would take that demand with it.
      if (document.spec.relay !== undefined) return false
      return (
        document.spec.action === 'allow' ||
        document.spec.mode === 'observe' ||
        isOnlyAboutOutsiders(document)
      )
    case 'Observe':
      return true
    case 'Guardrail':
      // To a sidecar so old nobody is outside the mesh: it reaches such peers not at all.
      return isOnlyAboutOutsiders(document)
    default:
      return document satisfies never
  }
}

function tooOld(schemaVersion: number, documents: readonly PolicyDocument[]): string {
  return `schema version ${String(schemaVersion)} is too old for ${listed(documents.map(nameWithNeed))}`
}

function nameWithNeed(document: PolicyDocument): string {
  return `${document.kind} ${document.name} (needs ${String(requiredSchema(document))})`
}

function listed(names: readonly string[]): string {
  const more = names.length - mostNamed
  const named = names.slice(0, mostNamed).join(', ')
  return more > 0 ? `${named} and ${String(more)} more` : named
}
