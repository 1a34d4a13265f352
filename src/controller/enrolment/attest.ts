import { randomUUID } from 'node:crypto'
import type { Clock } from '../../base/clock.ts'
import { messageOf } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import {
  attest,
  attestTranscript,
  verifyTranscript,
  x509Transcript,
  type AttestedNode,
  type IidKeys,
  type X509Authorities,
} from '../../attest/index.ts'
import type { Authority } from '../../ca/authority.ts'
import { readCsr, readPublicKey } from '../../ca/csr.ts'
import { evidenceCodec } from '../../rpc/index.ts'
import type { AttestRequest__Output } from '../../rpc/generated/blazon/v1/AttestRequest.ts'
import type { Caller } from '../caller.ts'
import { ControllerError } from '../controller-error.ts'
import type { ControllerMetrics } from '../metrics.ts'
import type { Enrolled } from './enrol.ts'
import { consumeNonce, proofRefused, type ChallengeTables } from './nonce.ts'
import type { Proof } from './proof.ts'
import { readSubject } from './subject.ts'

export interface AttestDeps {
  readonly challenges: ChallengeTables
  readonly authority: Authority
  /** Enrols what is proven; fulfils once that is durable. */
  readonly enrol: (proof: Proof) => Promise<Enrolled>
  /** The keys that AWS signs documents with. */
  readonly iidKeys: IidKeys
  /** Undefined where no CA is configured whose certificates are evidence. */
  readonly x509Authorities: X509Authorities | undefined
  readonly clock: Clock
  readonly metrics: ControllerMetrics
  readonly log: Logger
}

/**
 * Admits a workload of a node that proves what it is (PROTOCOL §3). The nonce is used up whatever
 * comes of the call.
 */
export function createAttest(
  deps: AttestDeps,
): (caller: Caller, request: AttestRequest__Output) => Promise<Enrolled> {
  return async (caller, request) => {
    try {
      const proof = prove(deps, caller, request)
      const enrolled = await deps.enrol(proof)
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

function prove(deps: AttestDeps, caller: Caller, request: AttestRequest__Output): Proof {
  const { challenges, authority, clock } = deps
  const reference = randomUUID().slice(0, 8)
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
  const node = attested(reference, evidence, {
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
  })
  return { node, nodeKey, source: caller.source, subject, csr, key }
}

function attested(
  reference: string,
  ...[evidence, context]: Parameters<typeof attest>
): AttestedNode {
  try {
    return attest(evidence, context)
  } catch (cause: unknown) {
    throw proofRefused(reference, messageOf(cause), cause)
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
