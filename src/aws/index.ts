/**
 * AWS as the programs see it: so far the instance metadata service (IMDSv2) that a sidecar asks what
 * its instance is. What is needed of it is declared by who needs it; this folder implements that.
 */
export { AwsError, type AwsErrorCode } from './aws-error.ts'
export { createImds, type Imds, type ImdsOptions } from './imds.ts'
export { readInstanceAttributes, type InstanceAttributes } from './imds-attributes.ts'
export { imdsEndpoints, parseImdsEndpoint } from './imds-endpoint.ts'
export { documentForms, openInstanceMetadata, type DocumentForm } from './instance-metadata.ts'
