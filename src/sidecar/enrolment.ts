import type { KeyObject } from 'node:crypto'
import { attestTranscript, renewTranscript, signTranscript } from '../attest/transcript.ts'
import { messageOf, quote } from '../base/errors.ts'
import type { Attribute } from '../identity/attributes.ts'
import type { TrustBundle } from '../identity/bundle.ts'
import { createCsr } from '../identity/csr.ts'
import { noFloors, type Floors } from '../identity/floors.ts'
import { spkiOf } from '../identity/public-key.ts'
import type { TrustDomain } from '../identity/spiffe-id.ts'
import { fromWireBundle, fromWireFloors, toWireAttributes } from '../identity/wire.ts'
import { documentSchemaVersion } from '../policy/index.ts'
import { subjectCodec } from '../rpc/index.ts'
import type { AttestResponse__Output } from '../rpc/generated/blazon/v1/AttestResponse.ts'
import type { RenewResponse__Output } from '../rpc/generated/blazon/v1/RenewResponse.ts'
import type { ControllerConnection } from './controller-connection.ts'
import type { PreparedEvidence } from './evidence-source.ts'
import { generateKey } from './node-key.ts'
import { checkOwnIdentity, readPrivateKey, type OwnIdentity } from './own-identity.ts'
import { SidecarError } from './sidecar-error.ts'
import type { PendingRenewal } from './stored-state.ts'

/** Who asks, and for which workload. */
export interface Applicant {
  readonly trustDomain: TrustDomain
  readonly workload: string
  readonly nodeKey: KeyObject
  readonly attributes: readonly Attribute[]
}

/** A checked answer of the controller to Attest or Renew. */
export interface Issue {
  readonly identity: OwnIdentity
  readonly bundle: TrustBundle
  readonly floors: Floors
  readonly wireFloors: AttestResponse__Output['floors']
  readonly controllerTimeMs: number
  readonly dropped: readonly { readonly key: string; readonly reason: string }[]
}

/** Proves what node this is and takes the first SVID (PROTOCOL §3). */
export async function enrol(options: {
  readonly applicant: Applicant
  readonly connection: ControllerConnection
  readonly evidence: PreparedEvidence
  readonly now: () => number
  readonly signal: AbortSignal
}): Promise<Issue> {
  const { applicant, connection, signal, now } = options
  const subject = encodeSubject(applicant)
  const nodeKey = spkiOf(applicant.nodeKey)
  const key = await newRequest()
  const challenge = await challengeFrom(connection, applicant.trustDomain, signal)
  const around = { ...challenge, subject, csr: key.csr, nodeKey }
  const evidence = options.evidence(around)
  const transcript = attestTranscript({ ...around, evidence })
  const response = await connection.attest(
    {
      nonce: challenge.nonce,
      evidence,
      subject,
      csr: key.csr,
      nodeKey,
      signature: signTranscript(applicant.nodeKey, transcript),
    },
    signal,
  )
  return readIssue(response, applicant.trustDomain, readPrivateKey(key.privateKey), now())
}

/** Exchanges the present SVID for its successor, with the key that `pending` holds. */
export async function renew(options: {
  readonly applicant: Applicant
  readonly connection: ControllerConnection
  readonly serial: string
  readonly pending: PendingRenewal
  readonly now: () => number
  readonly signal: AbortSignal
}): Promise<Issue> {
  const { applicant, connection, pending, signal, now } = options
  const subject = encodeSubject(applicant)
  const challenge = await challengeFrom(connection, applicant.trustDomain, signal)
  const { csr } = pending
  const transcript = renewTranscript({ ...challenge, subject, csr, serial: options.serial })
  const response = await connection.renew(
    {
      nonce: challenge.nonce,
      subject,
      csr,
      signature: signTranscript(applicant.nodeKey, transcript),
    },
    signal,
  )
  return readIssue(response, applicant.trustDomain, readPrivateKey(pending.privateKey), now())
}

/** A new key and the request for its certificate. */
export async function newRequest(): Promise<PendingRenewal> {
  const key = await generateKey()
  return {
    privateKey: key.export({ format: 'der', type: 'pkcs8' }),
    csr: createCsr(key),
  }
}

function encodeSubject({ workload, attributes }: Applicant): Buffer {
  return subjectCodec.encode({
    workload,
    attributes: toWireAttributes(attributes),
    schemaVersion: documentSchemaVersion,
  })
}

async function challengeFrom(
  connection: ControllerConnection,
  trustDomain: TrustDomain,
  signal: AbortSignal,
): Promise<{ trustDomain: TrustDomain; controllerKeySha256: string; nonce: Buffer }> {
  const { nonce, trustDomain: theirs } = await connection.challenge(signal)
  if (theirs !== trustDomain) {
    throw answerError(`expected trust domain ${trustDomain}, got ${quote(theirs)}`)
  }
  if (nonce.length !== 32) {
    throw answerError(`expected a nonce of 32 bytes, got ${String(nonce.length)}`)
  }
  const controllerKeySha256 = connection.controllerKeySha256()
  if (controllerKeySha256 === undefined)
    throw new Error('BUG: an answer from an unknown controller')
  return { trustDomain, controllerKeySha256, nonce }
}

function readIssue(
  response: AttestResponse__Output | RenewResponse__Output,
  trustDomain: TrustDomain,
  privateKey: KeyObject,
  localNow: number,
): Issue {
  const { svid, controllerTimeMs, dropped } = response
  if (svid === null) throw answerError('expected an SVID, got none')
  const bundle = readBundle(response, trustDomain)
  const floors = response.floors === null ? noFloors : fromWireFloors(response.floors)
  // Just issued, so the controller's time is the one it was issued by.
  const now = Math.max(localNow, controllerTimeMs)
  const identity = checkOwnIdentity({
    chain: svid.chain,
    profile: svid.profile,
    privateKey,
    obtainedMs: now,
    bundle,
    floors,
    now,
  })
  return { identity, bundle, floors, wireFloors: response.floors, controllerTimeMs, dropped }
}

function readBundle(
  response: AttestResponse__Output | RenewResponse__Output,
  trustDomain: TrustDomain,
): TrustBundle {
  try {
    const bundle = fromWireBundle(response.bundle)
    if (bundle.trustDomain === trustDomain) return bundle
    throw new Error(`expected trust domain ${trustDomain}, got ${bundle.trustDomain}`)
  } catch (cause: unknown) {
    throw answerError(messageOf(cause), cause)
  }
}

function answerError(detail: string, cause?: unknown): SidecarError {
  return new SidecarError('ERR_CONTROLLER_ANSWER', `answer of the controller refused: ${detail}`, {
    cause,
  })
}
