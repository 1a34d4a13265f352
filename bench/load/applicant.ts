import type { KeyObject } from 'node:crypto'
import { attestTranscript, signTranscript } from '../../src/attest/index.ts'
import { createCsr } from '../../src/identity/index.ts'
import { enrolmentService, evidenceCodec } from '../../src/rpc/index.ts'
import type { AttestResponse__Output } from '../../src/rpc/generated/blazon/v1/AttestResponse.ts'
import { encodeSubject, testTrustDomain } from '../../test/support/enrolment-client.ts'
import { newKeys, type TestKeys } from '../../test/support/test-ca.ts'
import type { GrpcSession } from './grpc-session.ts'

/** A workload that is about to enrol, with everything made that does not depend on the nonce. */
export interface Applicant {
  readonly name: string
  readonly nodeKeys: TestKeys
  readonly privateKey: KeyObject
  readonly csr: Buffer
  readonly evidence: Buffer
  readonly subject: Buffer
}

export function createApplicant(
  name: string,
  token: string,
  nodeKeys: TestKeys = newKeys(),
): Applicant {
  const { privateKey } = newKeys()
  return {
    name,
    nodeKeys,
    privateKey,
    csr: createCsr(privateKey),
    evidence: evidenceCodec.encode({ joinToken: { token } }),
    subject: encodeSubject(name, []),
  }
}

const { Challenge, Attest } = enrolmentService
const noRequest = Challenge.requestSerialize({})

/** Two calls: a nonce, and its signed answer. Returns the encoded answer, which nobody has looked at. */
export async function enrol(
  session: GrpcSession,
  controllerKeySha256: string,
  applicant: Applicant,
): Promise<Buffer> {
  const challenge = await session.unary(Challenge.path, noRequest)
  const { nonce } = Challenge.responseDeserialize(challenge)
  const { nodeKeys, csr, evidence, subject } = applicant
  const transcript = attestTranscript({
    trustDomain: testTrustDomain,
    controllerKeySha256,
    nonce,
    subject,
    csr,
    evidence,
    nodeKey: nodeKeys.spki,
  })
  const signature = signTranscript(nodeKeys.privateKey, transcript)
  const request = { nonce, evidence, subject, csr, nodeKey: nodeKeys.spki, signature }
  return session.unary(Attest.path, Attest.requestSerialize(request))
}

/** The chain that an applicant got. Throws for an answer without one. */
export function chainOf(answer: Buffer): readonly Buffer[] {
  const { svid }: AttestResponse__Output = Attest.responseDeserialize(answer)
  if (svid?.chain.length !== 2) throw new Error('expected a chain of two certificates')
  return svid.chain
}
