// Original file: proto/blazon/v1/enrolment.proto

import type { StsProof as _blazon_v1_StsProof, StsProof__Output as _blazon_v1_StsProof__Output } from '../../blazon/v1/StsProof.ts';

export interface AwsStsEvidence {
  'proof'?: (_blazon_v1_StsProof | null);
}

export interface AwsStsEvidence__Output {
  'proof': (_blazon_v1_StsProof__Output | null);
}
