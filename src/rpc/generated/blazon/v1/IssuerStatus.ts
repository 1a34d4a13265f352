// Original file: proto/blazon/v1/admin.proto

import type { IssuerState as _blazon_v1_IssuerState, IssuerState__Output as _blazon_v1_IssuerState__Output } from '../../blazon/v1/IssuerState.ts';
import type { Long } from '@grpc/proto-loader';

export interface IssuerStatus {
  'keySha256'?: (string);
  'state'?: (_blazon_v1_IssuerState);
  'notAfterMs'?: (number | string | Long);
}

export interface IssuerStatus__Output {
  'keySha256': (string);
  'state': (_blazon_v1_IssuerState__Output);
  'notAfterMs': (number);
}
