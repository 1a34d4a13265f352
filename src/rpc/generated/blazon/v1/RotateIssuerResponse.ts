// Original file: proto/blazon/v1/admin.proto

import type { IssuerStatus as _blazon_v1_IssuerStatus, IssuerStatus__Output as _blazon_v1_IssuerStatus__Output } from '../../blazon/v1/IssuerStatus.ts';
import type { Bundle as _blazon_v1_Bundle, Bundle__Output as _blazon_v1_Bundle__Output } from '../../blazon/v1/Bundle.ts';

export interface RotateIssuerResponse {
  'issuers'?: (_blazon_v1_IssuerStatus)[];
  'lagging'?: (string)[];
  'bundle'?: (_blazon_v1_Bundle | null);
}

export interface RotateIssuerResponse__Output {
  'issuers': (_blazon_v1_IssuerStatus__Output)[];
  'lagging': (string)[];
  'bundle': (_blazon_v1_Bundle__Output | null);
}
