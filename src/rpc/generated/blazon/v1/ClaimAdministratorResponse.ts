// Original file: proto/blazon/v1/enrolment.proto

import type { Bundle as _blazon_v1_Bundle, Bundle__Output as _blazon_v1_Bundle__Output } from '../../blazon/v1/Bundle.ts';

export interface ClaimAdministratorResponse {
  'chain'?: (Buffer | Uint8Array | string)[];
  'bundle'?: (_blazon_v1_Bundle | null);
}

export interface ClaimAdministratorResponse__Output {
  'chain': (Buffer)[];
  'bundle': (_blazon_v1_Bundle__Output | null);
}
