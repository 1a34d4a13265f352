// Original file: proto/blazon/v1/enrolment.proto

import type { DetachedIid as _blazon_v1_DetachedIid, DetachedIid__Output as _blazon_v1_DetachedIid__Output } from '../../blazon/v1/DetachedIid.ts';
import type { StsProof as _blazon_v1_StsProof, StsProof__Output as _blazon_v1_StsProof__Output } from '../../blazon/v1/StsProof.ts';

export interface AwsIidEvidence {
  'rsa2048'?: (Buffer | Uint8Array | string);
  'pkcs7'?: (Buffer | Uint8Array | string);
  'signature'?: (_blazon_v1_DetachedIid | null);
  'stsProof'?: (_blazon_v1_StsProof | null);
  'form'?: "rsa2048"|"pkcs7"|"signature";
}

export interface AwsIidEvidence__Output {
  'rsa2048'?: (Buffer);
  'pkcs7'?: (Buffer);
  'signature'?: (_blazon_v1_DetachedIid__Output | null);
  'stsProof': (_blazon_v1_StsProof__Output | null);
  'form'?: "rsa2048"|"pkcs7"|"signature";
}
