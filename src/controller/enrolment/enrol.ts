import type { Clock } from '../../base/clock.ts'
import { ControllerError } from '../controller-error.ts'
import { findJoinToken, useJoinToken } from '../store/join-tokens.ts'
import type { Store, Tables } from '../store/store.ts'
import type { Evaluation, Evaluator } from '../workloads/evaluation.ts'
import type { FloorCatchUp } from '../workloads/floor-catch-up.ts'
import type { IssuedSvid, Issuance, PreparedSvid } from '../workloads/issuance.ts'
import type { Registry } from '../workloads/registry.ts'
import type { WorkloadLabels } from '../workloads/workload-labels.ts'
import type { NodeBinder, PlannedBinding } from './node-binder.ts'
import type { Proof } from './proof.ts'

/** An enrolment that succeeded. */
export interface Enrolled extends IssuedSvid {
  readonly evaluation: Evaluation
}

export interface EnrolDeps {
  readonly store: Store
  readonly evaluator: Evaluator
  readonly issuance: Issuance
  readonly registry: Registry
  readonly workloadLabels: WorkloadLabels
  readonly binder: NodeBinder
  readonly catchUp: FloorCatchUp
  readonly graceMs: number
  readonly clock: Clock
}

/** An enrolment that is decided and not yet durable. Nothing of it is in force before `finish`. */
export interface PlannedEnrolment {
  /** Node keys and nodes whose records it read or writes: another that shares one has to wait. */
  readonly concerns: readonly string[]
  /** Counting the token, binding the node key and issuing, as part of one transaction. */
  write(tables: Tables): Promise<void>
  /** To be called once that transaction is durable. */
  finish(): Enrolled
}

/** Decides on a proof as things stand. Its calls must not run beside a change. */
export type PlanEnrolment = (proof: Proof) => Promise<PlannedEnrolment>

export function createEnrolmentPlanner(deps: EnrolDeps): PlanEnrolment {
  const { evaluator, issuance, registry, binder, clock } = deps
  return async (proof) => {
    const { node, nodeKey, subject, csr, key } = proof
    const documentForm = node.method === 'aws-iid' ? node.form : undefined
    const looked = await binder.look(proof)
    const evaluation = evaluator.evaluate({
      name: subject.name,
      attested: node.attributes,
      documentForm,
      reported: subject.attributes,
      labels: deps.workloadLabels.of(
        registry.onNode(nodeKey.keySha256, subject.name)?.stored.workloadId,
      ),
    })
    const binding = await binder.plan(looked, evaluation)
    const svid = await issuance.prepare({
      evaluation,
      name: subject.name,
      nodeKeySha256: nodeKey.keySha256,
      attested: node.attributes,
      documentForm: documentForm ?? '',
      reported: subject.attributes,
      schemaVersion: subject.schemaVersion,
      csr,
      key,
    })
    // Of an instance all claimants may be stopped; other evidence lets nobody judge another.
    const claimants = looked.instance === undefined ? [] : looked.bindings
    return {
      concerns: [...concernsOf(proof), ...claimants.map(({ nodeKeySha256 }) => nodeKeySha256)],
      write: async (tables) => {
        await binding.write(tables)
        await countUse(tables, proof, clock.now())
        await svid.write(tables)
      },
      finish: () => finish(deps, binding, svid, evaluation),
    }
  }
}

/** What an enrolment concerns whatever is known of it. */
export function concernsOf({ node, nodeKey }: Proof): readonly string[] {
  return [node.nodeId, nodeKey.keySha256]
}

function finish(
  { catchUp, clock, graceMs }: EnrolDeps,
  binding: PlannedBinding,
  svid: PreparedSvid,
  evaluation: Evaluation,
): Enrolled {
  const issued = svid.finish()
  const { workloadId, generation } = issued.certificate
  if (issued.isChanged) catchUp.plan(workloadId, generation, clock.now() + graceMs)
  binding.apply()
  return { ...issued, evaluation }
}

/** Only tokens have uses. */
async function countUse(
  tables: Tables,
  { node, nodeKey, subject }: Proof,
  now: number,
): Promise<void> {
  if (node.method !== 'join-token') return
  const isCounted = await useJoinToken(tables, {
    tokenId: node.tokenId,
    nodeKeySha256: nodeKey.keySha256,
    workload: subject.name,
    now,
  })
  if (isCounted) return
  const token = await findJoinToken(tables, node.tokenId)
  throw new ControllerError(
    'ERR_PERMISSION',
    token === undefined
      ? 'this join token is not known to the controller'
      : `this join token was good for ${String(token.uses)} workloads, and they have enrolled`,
  )
}
