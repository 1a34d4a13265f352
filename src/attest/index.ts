/**
 * Attestation: what a node has to show, and what follows from it. Given the evidence everything here
 * is pure: counting a token's uses, consuming a nonce and binding a node key are the controller's.
 */
export { AttestError, type AttestErrorCode } from './errors.ts'
export { attest, type AttestContext, type AttestedNode, type JoinTokenNode } from './evidence.ts'
export { IidRefusedError, type AwsIidNode } from './iid-evidence.ts'
export { accountForm, instanceForm, regionForm } from './iid/document-form.ts'
export { loadIidKeys } from './iid/key-file.ts'
export type { IidKeys } from './iid/keys.ts'
export { issueJoinToken, verifyJoinToken, type JoinToken, type Labels } from './join-token.ts'
export {
  loadX509Authorities,
  parseX509Authorities,
  type X509Authorities,
} from './x509-authorities.ts'
export type { X509Node } from './x509-evidence.ts'
export {
  attestTranscript,
  renewTranscript,
  signTranscript,
  verifyTranscript,
  x509Transcript,
  type AttestTranscript,
  type RenewTranscript,
  type X509Transcript,
} from './transcript.ts'
