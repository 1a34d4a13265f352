import { randomBytes } from 'node:crypto'
import type { Clock } from '../../base/clock.ts'
import { messageOf } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import {
  attest,
  attestTranscript,
  verifyTranscript,
  type JoinTokenNode,
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
import { bindKey, boundKeys, putNode, type StoredNode } from '../store/nodes.ts'
import type { Tables } from '../store/store.ts'
import type { Evaluator, Evaluation } from '../workloads/evaluation.ts'
import type { FloorCatchUp } from '../workloads/floor-catch-up.ts'
import type { IssuedSvid, Issuance } from '../workloads/issuance.ts'
import type { Registry } from '../workloads/registry.ts'
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
  readonly catchUp: FloorCatchUp
  readonly graceMs: number
  readonly changes: SerialQueue
  readonly clock: Clock
  readonly metrics: ControllerMetrics
  readonly log: Logger
}

/** Everything that is checked before anything is changed. */
interface Proof {
  readonly node: JoinTokenNode
  readonly nodeKey: PublicKey
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
  { challenges, authority, clock }: EnrolmentDeps,
  caller: Caller,
  request: AttestRequest__Output,
): Promise<Proof> {
  const reference = randomBytes(4).toString('hex')
  consumeNonce(challenges, caller, request.nonce, clock.now(), reference)
  const nodeKey = readPublicKey(request.nodeKey)
  const transcript = attestTranscript({
    trustDomain: authority.trustDomain,
    controllerKeySha256: caller.controllerKeySha256,
    nonce: request.nonce,
    evidence: request.evidence,
    subject: request.subject,
    csr: request.csr,
    nodeKey: request.nodeKey,
  })
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
  }).catch((cause: unknown) => {
    throw proofRefused(reference, messageOf(cause), cause)
  })
  if (node.method !== 'join-token') {
    // Cannot come about while the context above has no keys for other evidence.
    throw proofRefused(reference, `evidence of method ${node.method} is not taken`)
  }
  return { node, nodeKey, subject, key }
}

async function enrol(deps: EnrolmentDeps, proof: Proof, csr: Buffer): Promise<Enrolled> {
  const { evaluator, issuance, catchUp, clock } = deps
  const { node, nodeKey, subject, key } = proof
  const evaluation = evaluator.evaluate({
    name: subject.name,
    attested: node.attributes,
    reported: subject.attributes,
  })
  const issued = await issuance.enrol(
    {
      evaluation,
      name: subject.name,
      nodeKeySha256: nodeKey.keySha256,
      attested: node.attributes,
      reported: subject.attributes,
      schemaVersion: subject.schemaVersion,
      csr,
      key,
    },
    async (tables) => {
      await bindNode(tables, proof, evaluation.keysPerNode, clock.now())
      await countUse(tables, proof, clock.now())
    },
  )
  const { workloadId, generation } = issued.certificate
  if (issued.isChanged) catchUp.plan(workloadId, generation, clock.now() + deps.graceMs)
  rememberNode(deps, proof)
  return { ...issued, evaluation }
}

async function bindNode(
  tables: Tables,
  proof: Proof,
  keysPerNode: number,
  now: number,
): Promise<void> {
  const { node, nodeKey } = proof
  const { keySha256: nodeKeySha256 } = nodeKey
  const bound = await boundKeys(tables, node.nodeId)
  if (!bound.includes(nodeKeySha256)) {
    if (bound.length >= keysPerNode) {
      throw new ControllerError(
        'ERR_PERMISSION',
        `this ${node.method} belongs to another node key; the enrolment rules allow ${String(keysPerNode)}`,
        { detail: `${node.nodeId} is bound to ${bound.join(', ')}, not ${nodeKeySha256}` },
      )
    }
    await bindKey(tables, node.nodeId, nodeKeySha256, now)
  }
  await putNode(tables, describeNode(proof, now))
}

function describeNode({ node, nodeKey }: Proof, now: number): StoredNode {
  return {
    nodeKeySha256: nodeKey.keySha256,
    nodeKey: nodeKey.spki,
    nodeId: node.nodeId,
    method: node.method,
    firstSeenMs: now,
    lastAttestedMs: now,
  }
}

function rememberNode({ registry, clock }: EnrolmentDeps, proof: Proof): void {
  const known = registry.node(proof.nodeKey.keySha256)
  const described = describeNode(proof, clock.now())
  registry.putNode({ ...described, firstSeenMs: known?.firstSeenMs ?? described.firstSeenMs })
}

async function countUse(
  tables: Tables,
  { node, nodeKey, subject }: Proof,
  now: number,
): Promise<void> {
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
