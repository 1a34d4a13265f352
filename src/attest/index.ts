/**
 * Attestation: what a node has to show, and what follows from it. Given the evidence everything here
 * is pure: counting a token's uses, consuming a nonce and binding a node key are the controller's.
 */
export { AttestError, type AttestErrorCode } from './errors.ts'
export { attest, type AttestContext, type AttestedNode, type JoinTokenNode } from './evidence.ts'
export { type AwsIidNode } from './iid-evidence.ts'
export { issueJoinToken, verifyJoinToken, type JoinToken, type Labels } from './join-token.ts'
export {
  attestTranscript,
  renewTranscript,
  signTranscript,
  verifyTranscript,
  type AttestTranscript,
  type RenewTranscript,
} from './transcript.ts'
