import { createHash, X509Certificate, type KeyObject } from 'node:crypto'
import {
  attestTranscript,
  renewTranscript,
  signTranscript,
  type X509Transcript,
} from '../../src/attest/index.ts'
import { createCsr, toWireAttributes, type Attribute } from '../../src/identity/index.ts'
import { documentSchemaVersion } from '../../src/policy/index.ts'
import { evidenceCodec, subjectCodec } from '../../src/rpc/index.ts'
import type { Evidence } from '../../src/rpc/generated/blazon/v1/Evidence.ts'
import type { AttestRequest } from '../../src/rpc/generated/blazon/v1/AttestRequest.ts'
import type { AttestResponse__Output } from '../../src/rpc/generated/blazon/v1/AttestResponse.ts'
import type { RenewResponse__Output } from '../../src/rpc/generated/blazon/v1/RenewResponse.ts'
import type { ClientIdentity, ControllerClient } from './controller-client.ts'
import { newKeys, type TestKeys } from './test-ca.ts'

/** What a sidecar would say, and what an attacker would change of it. */
export interface AttestAttempt {
  readonly token?: string
  /** Other evidence than a token; some is signed over the rest of the call. */
  readonly evidence?: (said: Omit<X509Transcript, 'chain'>) => Evidence
  readonly name: string
  readonly nodeKeys?: TestKeys
  readonly workloadKeys?: TestKeys
  readonly attributes?: readonly Attribute[]
  readonly trustDomain?: string
  readonly nonce?: Buffer
  /** Changes what is signed, after it was put together rightly. */
  readonly controllerKeySha256?: string
  readonly signedPurpose?: 'attest' | 'renew'
  readonly request?: (right: AttestRequest) => AttestRequest
}

export interface EnrolledWorkload extends ClientIdentity {
  readonly serial: string
  readonly nodeKeys: TestKeys
  readonly name: string
  readonly response: AttestResponse__Output | RenewResponse__Output
}

export const testTrustDomain = 'acme.example'

/** Enrols over a connection without a certificate. */
export async function attestWith(
  client: ControllerClient,
  attempt: AttestAttempt,
): Promise<EnrolledWorkload> {
  const nodeKeys = attempt.nodeKeys ?? newKeys()
  const workloadKeys = attempt.workloadKeys ?? newKeys()
  const nonce = attempt.nonce ?? (await client.call('Challenge', {})).nonce
  const subject = encodeSubject(attempt.name, attempt.attributes ?? [])
  const csr = createCsr(workloadKeys.privateKey)
  const head = {
    trustDomain: attempt.trustDomain ?? testTrustDomain,
    controllerKeySha256: attempt.controllerKeySha256 ?? client.controllerKeySha256(),
    nonce,
    subject,
    csr,
  }
  const said = { ...head, nodeKey: nodeKeys.spki }
  const evidence = evidenceCodec.encode(
    attempt.evidence?.(said) ?? { joinToken: { token: attempt.token ?? '' } },
  )
  const transcript =
    attempt.signedPurpose === 'renew'
      ? renewTranscript({ ...head, serial: '00'.repeat(16) })
      : attestTranscript({ ...said, evidence })
  const right: AttestRequest = {
    nonce,
    evidence,
    subject,
    csr,
    nodeKey: nodeKeys.spki,
    signature: signTranscript(nodeKeys.privateKey, transcript),
  }
  const response = await client.call('Attest', attempt.request?.(right) ?? right)
  return identityOf(response, workloadKeys.privateKey, nodeKeys, attempt.name)
}

export interface RenewAttempt {
  readonly workloadKeys?: TestKeys
  readonly csr?: Buffer
  readonly nodeKeys?: TestKeys
  readonly attributes?: readonly Attribute[]
  readonly nonce?: Buffer
  readonly name?: string
}

/** Renews over a connection that shows the SVID that `workload` has. */
export async function renewWith(
  client: ControllerClient,
  workload: EnrolledWorkload,
  attempt: RenewAttempt = {},
): Promise<EnrolledWorkload> {
  const workloadKeys = attempt.workloadKeys ?? newKeys()
  const nonce = attempt.nonce ?? (await client.call('Challenge', {})).nonce
  const subject = encodeSubject(attempt.name ?? workload.name, attempt.attributes ?? [])
  const csr = attempt.csr ?? createCsr(workloadKeys.privateKey)
  const transcript = renewTranscript({
    trustDomain: testTrustDomain,
    controllerKeySha256: client.controllerKeySha256(),
    nonce,
    subject,
    csr,
    serial: workload.serial,
  })
  const nodeKeys = attempt.nodeKeys ?? workload.nodeKeys
  const signature = signTranscript(nodeKeys.privateKey, transcript)
  const response = await client.call('Renew', { nonce, subject, csr, signature })
  return identityOf(response, workloadKeys.privateKey, workload.nodeKeys, workload.name)
}

export function encodeSubject(name: string, attributes: readonly Attribute[]): Buffer {
  return subjectCodec.encode({
    workload: name,
    attributes: toWireAttributes(attributes),
    schemaVersion: documentSchemaVersion,
  })
}

function identityOf(
  response: AttestResponse__Output | RenewResponse__Output,
  privateKey: KeyObject,
  nodeKeys: TestKeys,
  name: string,
): EnrolledWorkload {
  const chain = response.svid?.chain ?? []
  const [leaf] = chain
  if (leaf === undefined) throw new Error('BUG: an answer without a certificate')
  const serial = new X509Certificate(leaf).serialNumber.toLowerCase().padStart(32, '0')
  return { chain, privateKey, serial, nodeKeys, name, response }
}

/** SHA-256, hex. */
export function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}
