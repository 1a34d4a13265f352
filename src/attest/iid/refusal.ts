/** Why an instance identity document is refused. Precise for log and operator; the node is told nothing. */
export type IidRefusal =
  // The encoding
  | 'too-large'
  | 'too-deep'
  | 'too-many-elements'
  | 'truncated'
  | 'trailing-bytes'
  | 'malformed-encoding'
  // CMS SignedData
  | 'not-signed-data'
  | 'malformed-signed-data'
  | 'content-missing'
  | 'embedded-certificate'
  | 'embedded-revocation-list'
  | 'signer-count'
  | 'unsigned-attribute'
  | 'wrong-algorithm'
  | 'signed-attributes-missing'
  | 'malformed-signed-attributes'
  | 'signed-attribute-missing'
  | 'signed-attribute-doubled'
  | 'wrong-content-type'
  | 'digest-mismatch'
  // The key
  | 'region-missing'
  | 'unknown-region'
  | 'no-key-for-form'
  | 'wrong-signer'
  | 'signature-invalid'
  // The document
  | 'document-mismatch'
  | 'document-malformed'
  | 'document-name-doubled'
  | 'document-field'
  | 'region-mismatch'

/** Carries a refusal from the rule that found it to `verifyIid`, and no further. */
export class Refusal extends Error {
  readonly code: IidRefusal
  constructor(code: IidRefusal, detail: string) {
    super(detail)
    this.code = code
  }
}
