import { randomBytes } from 'node:crypto'
import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import { renewTranscript, verifyTranscript } from '../../attest/index.ts'
import { readCsr, readPublicKey } from '../../ca/csr.ts'
import {
  decodeProfile,
  type DroppedAttribute,
  type TrustDomain,
  type TrustProfile,
} from '../../identity/index.ts'
import type { RenewRequest__Output } from '../../rpc/generated/blazon/v1/RenewRequest.ts'
import {
  checkStillGood,
  needWorkload,
  unauthenticated,
  type Caller,
  type Trust,
  type WorkloadCaller,
} from '../caller.ts'
import type { AccountBook } from '../accounts.ts'
import { ControllerError } from '../controller-error.ts'
import { consumeNonce, proofRefused, type ChallengeTables } from '../enrolment/nonce.ts'
import { readSubject } from '../enrolment/subject.ts'
import type { ControllerMetrics } from '../metrics.ts'
import type { SerialQueue } from '../serial-queue.ts'
import type { StoredCertificate } from '../store/certificates.ts'
import type { Evaluator } from '../workloads/evaluation.ts'
import type { FloorCatchUp } from '../workloads/floor-catch-up.ts'
import type { Issuance } from '../workloads/issuance.ts'
import { checkNodeStanding } from '../workloads/node-standing.ts'
import { restoreAttributes, type RegisteredWorkload, type Registry } from '../workloads/registry.ts'
import type { StandingKeeper } from '../workloads/standing.ts'
import type { WorkloadLabels } from '../workloads/workload-labels.ts'

export interface Renewed {
  readonly certificate: StoredCertificate
  readonly profile: TrustProfile
  readonly dropped: readonly DroppedAttribute[]
}

export interface RenewDeps {
  readonly accounts: AccountBook
  readonly trustDomain: TrustDomain
  readonly trust: Trust
  readonly challenges: ChallengeTables
  readonly evaluator: Evaluator
  readonly issuance: Issuance
  readonly standing: StandingKeeper
  readonly registry: Registry
  readonly workloadLabels: WorkloadLabels
  readonly catchUp: FloorCatchUp
  readonly graceMs: number
  readonly changes: SerialQueue
  readonly clock: Clock
  readonly metrics: ControllerMetrics
  readonly log: Logger
}

/**
 * Gives a workload its next SVID (PROTOCOL §3, "Renew"): asked for with the newest certificate that
 * is in use, and signed by the key of its node. Rules and labels are applied anew.
 */
export function createRenew(
  deps: RenewDeps,
): (caller: Caller, request: RenewRequest__Output) => Promise<Renewed> {
  return async (anyCaller, request) => {
    const caller = needWorkload(anyCaller)
    const reference = randomBytes(4).toString('hex')
    consumeNonce(deps.challenges, caller, request.nonce, deps.clock.now(), reference)
    checkSignature(deps, caller, request, reference)
    const renewed = await deps.changes.run(() => renew(deps, caller, request))
    deps.metrics.issued.inc({ kind: 'workload' })
    deps.log.info(
      {
        workload: renewed.certificate.workloadId,
        generation: renewed.certificate.generation,
        serial: renewed.certificate.serial,
      },
      'workload renewed',
    )
    return renewed
  }
}

function entryOf({ registry }: RenewDeps, caller: WorkloadCaller): RegisteredWorkload {
  const entry = registry.workload(caller.facts.workloadId)
  if (entry !== undefined) return entry
  throw unauthenticated(`workload ${caller.facts.workloadId} is not known`)
}

function checkSignature(
  deps: RenewDeps,
  caller: WorkloadCaller,
  request: RenewRequest__Output,
  reference: string,
): void {
  const { nodeKeySha256 } = entryOf(deps, caller).stored
  const node = deps.registry.node(nodeKeySha256)
  if (node === undefined) throw proofRefused(reference, `node key ${nodeKeySha256} is not known`)
  const transcript = renewTranscript({
    trustDomain: deps.trustDomain,
    controllerKeySha256: caller.controllerKeySha256,
    nonce: request.nonce,
    subject: request.subject,
    csr: request.csr,
    serial: caller.peer.serial,
  })
  const { publicKey } = readPublicKey(node.nodeKey)
  if (!verifyTranscript(publicKey, transcript, request.signature)) {
    throw proofRefused(reference, 'the node key did not sign this renewal')
  }
}

async function renew(
  deps: RenewDeps,
  caller: WorkloadCaller,
  request: RenewRequest__Output,
): Promise<Renewed> {
  const { evaluator, issuance, standing, catchUp, clock } = deps
  // Changes ahead of this one in the queue may have revoked the caller.
  checkStillGood(caller, deps.trust)
  const entry = entryOf(deps, caller)
  checkNode(deps, entry)
  const earlier = issuance.earlier(entry, request.csr)
  if (earlier !== undefined) return repeat(entry, earlier)
  await refuseSuperseded(deps, entry, caller)
  const { stored } = await standing.activate(caller)
  const subject = readSubject(request.subject)
  if (subject.name !== stored.name) {
    throw new ControllerError(
      'ERR_ARGUMENT',
      `expected a renewal for workload ${stored.name}: a name does not change`,
    )
  }
  const attested = restoreAttributes(stored.attested)
  const reported = subject.attributes
  const labels = deps.workloadLabels.of(stored.workloadId)
  const { documentForm } = stored
  const evaluation = evaluator.evaluate({
    name: stored.name,
    attested,
    documentForm: documentForm === '' ? undefined : documentForm,
    reported,
    labels,
  })
  const issued = await issuance.renew({
    evaluation,
    name: stored.name,
    nodeKeySha256: stored.nodeKeySha256,
    attested,
    documentForm,
    reported,
    schemaVersion: subject.schemaVersion,
    csr: request.csr,
    key: readCsr(request.csr),
  })
  const { workloadId, generation } = issued.certificate
  if (issued.isChanged) catchUp.plan(workloadId, generation, clock.now() + deps.graceMs)
  return { ...issued, dropped: evaluation.dropped }
}

/** A renewal asks again what the enrolment asked: whether the node key and the account are still good. */
function checkNode({ registry, accounts }: RenewDeps, { stored }: RegisteredWorkload): void {
  checkNodeStanding(registry.node(stored.nodeKeySha256))
  accounts.check(restoreAttributes(stored.attested))
}

/** The answer to this very request got lost on its way: the same again, and nothing is issued. */
function repeat(entry: RegisteredWorkload, certificate: StoredCertificate): Renewed {
  return { certificate, profile: decodeProfile(entry.stored.profile), dropped: [] }
}

async function refuseSuperseded(
  { standing }: RenewDeps,
  entry: RegisteredWorkload,
  { peer, source }: WorkloadCaller,
): Promise<void> {
  if (entry.certificates.get(peer.serial)?.state !== 'superseded') return
  await standing.freeze(entry, peer.serial, source)
  throw unauthenticated(`serial ${peer.serial} is superseded`)
}
