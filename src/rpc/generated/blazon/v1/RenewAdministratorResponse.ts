// Original file: proto/blazon/v1/admin.proto

import type { Bundle as _blazon_v1_Bundle, Bundle__Output as _blazon_v1_Bundle__Output } from '../../blazon/v1/Bundle.ts';

export interface RenewAdministratorResponse {
  'chain'?: (Buffer | Uint8Array | string)[];
  'bundle'?: (_blazon_v1_Bundle | null);
}

export interface RenewAdministratorResponse__Output {
  'chain': (Buffer)[];
  'bundle': (_blazon_v1_Bundle__Output | null);
}
