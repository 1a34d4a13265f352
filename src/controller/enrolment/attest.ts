import { randomBytes } from 'node:crypto'
import type { Clock } from '../../base/clock.ts'
import { messageOf } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import {
  attest,
  attestTranscript,
  verifyTranscript,
  x509Transcript,
  type IidKeys,
  type X509Authorities,
} from '../../attest/index.ts'
import type { Authority } from '../../ca/authority.ts'
import { readCsr, readPublicKey, type PublicKey } from '../../ca/csr.ts'
import { evidenceCodec } from '../../rpc/index.ts'
import type { AttestRequest__Output } from '../../rpc/generated/blazon/v1/AttestRequest.ts'
import type { Caller } from '../caller.ts'
import { ControllerError } from '../controller-error.ts'
import type { ControllerMetrics } from '../metrics.ts'
import type { SerialQueue } from '../serial-queue.ts'
import { findJoinToken, useJoinToken } from '../store/join-tokens.ts'
import type { Tables } from '../store/store.ts'
import type { Evaluator, Evaluation } from '../workloads/evaluation.ts'
import type { FloorCatchUp } from '../workloads/floor-catch-up.ts'
import type { IssuedSvid, Issuance } from '../workloads/issuance.ts'
import type { Registry } from '../workloads/registry.ts'
import type { WorkloadLabels } from '../workloads/workload-labels.ts'
import type { NodeBinder } from './node-binder.ts'
import type { NodeClaim } from './node-record.ts'
import { consumeNonce, proofRefused, type ChallengeTables } from './nonce.ts'
import { readSubject, type ReportedSubject } from './subject.ts'

/** An enrolment that succeeded. */
export interface Enrolled extends IssuedSvid {
  readonly evaluation: Evaluation
}

export interface EnrolmentDeps {
  readonly challenges: ChallengeTables
  readonly authority: Authority
  readonly evaluator: Evaluator
  readonly issuance: Issuance
  readonly registry: Registry
  readonly workloadLabels: WorkloadLabels
  readonly binder: NodeBinder
  readonly catchUp: FloorCatchUp
  /** The keys that AWS signs documents with. */
  readonly iidKeys: IidKeys
  /** Undefined where no CA is configured whose certificates are evidence. */
  readonly x509Authorities: X509Authorities | undefined
  readonly graceMs: number
  readonly changes: SerialQueue
  readonly clock: Clock
  readonly metrics: ControllerMetrics
  readonly log: Logger
}

/** Everything that is checked before anything is changed. */
interface Proof extends NodeClaim {
  readonly subject: ReportedSubject
  readonly key: PublicKey
}

/**
 * Admits a workload of a node that proves what it is (PROTOCOL §3). The nonce is used up whatever
 * comes of the call; counting the token, binding the node key and issuing are one transaction.
 */
export function createAttest(
  deps: EnrolmentDeps,
): (caller: Caller, request: AttestRequest__Output) => Promise<Enrolled> {
  return async (caller, request) => {
    try {
      const proof = await prove(deps, caller, request)
      const enrolled = await deps.changes.run(() => enrol(deps, proof, request.csr))
      deps.metrics.enrolments.inc({ result: 'enrolled' })
      deps.metrics.issued.inc({ kind: 'workload' })
      logEnrolled(deps.log, caller, proof, enrolled)
      return enrolled
    } catch (error: unknown) {
      deps.metrics.enrolments.inc({ result: 'refused' })
      throw error
    }
  }
}

async function prove(
  deps: EnrolmentDeps,
  caller: Caller,
  request: AttestRequest__Output,
): Promise<Proof> {
  const { challenges, authority, clock } = deps
  const reference = randomBytes(4).toString('hex')
  consumeNonce(challenges, caller, request.nonce, clock.now(), reference)
  const nodeKey = readPublicKey(request.nodeKey)
  const { nonce, csr } = request
  const said = {
    trustDomain: authority.trustDomain,
    controllerKeySha256: caller.controllerKeySha256,
    nonce,
    subject: request.subject,
    csr,
    nodeKey: request.nodeKey,
  }
  const transcript = attestTranscript({ ...said, evidence: request.evidence })
  if (!verifyTranscript(nodeKey.publicKey, transcript, request.signature)) {
    throw proofRefused(reference, 'the node key did not sign this call')
  }
  const evidence = evidenceCodec.decode(request.evidence)
  const subject = readSubject(request.subject)
  const key = readCsr(request.csr)
  if (key.keySha256 === nodeKey.keySha256) {
    throw new ControllerError(
      'ERR_ARGUMENT',
      'expected a key of its own in the CSR, got the node key',
    )
  }
  const node = await attest(evidence, {
    trustDomain: authority.trustDomain,
    now: clock.now(),
    joinTokenKey: authority.joinTokenKey(),
    iidKeys: deps.iidKeys,
    x509:
      deps.x509Authorities === undefined
        ? undefined
        : {
            authorities: deps.x509Authorities,
            transcript: (chain) => x509Transcript({ ...said, chain }),
          },
  }).catch((cause: unknown) => {
    throw proofRefused(reference, messageOf(cause), cause)
  })
  return { node, nodeKey, source: caller.source, subject, key }
}

async function enrol(deps: EnrolmentDeps, proof: Proof, csr: Buffer): Promise<Enrolled> {
  const { evaluator, issuance, registry, catchUp, clock } = deps
  const { node, nodeKey, subject, key } = proof
  const documentForm = node.method === 'aws-iid' ? node.form : undefined
  const looked = await deps.binder.look(proof)
  const evaluation = evaluator.evaluate({
    name: subject.name,
    attested: node.attributes,
    documentForm,
    reported: subject.attributes,
    labels: deps.workloadLabels.of(
      registry.onNode(nodeKey.keySha256, subject.name)?.stored.workloadId,
    ),
  })
  const binding = await deps.binder.plan(looked, evaluation)
  const issued = await issuance.enrol(
    {
      evaluation,
      name: subject.name,
      nodeKeySha256: nodeKey.keySha256,
      attested: node.attributes,
      documentForm: documentForm ?? '',
      reported: subject.attributes,
      schemaVersion: subject.schemaVersion,
      csr,
      key,
    },
    async (tables) => {
      await binding.write(tables)
      await countUse(tables, proof, clock.now())
    },
  )
  const { workloadId, generation } = issued.certificate
  if (issued.isChanged) catchUp.plan(workloadId, generation, clock.now() + deps.graceMs)
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
  const token = await findJoinToken(tables, node.tokenId)
  if (token === undefined) {
    throw new ControllerError('ERR_PERMISSION', 'this join token is not known to the controller')
  }
  const isCounted = await useJoinToken(tables, {
    tokenId: token.tokenId,
    uses: token.uses,
    nodeKeySha256: nodeKey.keySha256,
    workload: subject.name,
    now,
  })
  if (!isCounted) {
    throw new ControllerError(
      'ERR_PERMISSION',
      `this join token was good for ${String(token.uses)} workloads, and they have enrolled`,
    )
  }
}

function logEnrolled(log: Logger, caller: Caller, { node }: Proof, enrolled: Enrolled): void {
  const { certificate, evaluation } = enrolled
  log.info(
    {
      source: caller.source,
      node: node.nodeId,
      workload: certificate.workloadId,
      spiffe_id: evaluation.spiffeId,
      generation: certificate.generation,
      serial: certificate.serial,
      rules: evaluation.rules,
      dropped: evaluation.dropped.length,
    },
    'workload enrolled',
  )
}
