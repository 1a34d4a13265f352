import type { AttestTranscript } from '../attest/transcript.ts'
import type { Attribute } from '../identity/attributes.ts'
import type { OwnIdentity } from './own-identity.ts'

/** With what this node shows what it is (PROTOCOL §3), and what the same source says of it beside that. */
export interface EvidenceSource {
  /** Gets everything ready for one attestation; throws `ERR_NO_EVIDENCE`. */
  prepare(signal: AbortSignal): Promise<PreparedEvidence>
  /**
   * Observed attributes for the next subject; where they cannot be read now, those that `present`
   * was issued with: a pause of the source must not look like a change of the workload.
   */
  observed(present: OwnIdentity | undefined, signal: AbortSignal): Promise<readonly Attribute[]>
}

/** Serializes the evidence for the attestation that it is to be part of. */
export type PreparedEvidence = (around: Omit<AttestTranscript, 'evidence'>) => Buffer
