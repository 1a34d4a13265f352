// Original file: proto/blazon/v1/common.proto

import type { IssuerState as _blazon_v1_IssuerState, IssuerState__Output as _blazon_v1_IssuerState__Output } from '../../blazon/v1/IssuerState.ts';

export interface Issuer {
  'keySha256'?: (Buffer | Uint8Array | string);
  'state'?: (_blazon_v1_IssuerState);
}

export interface Issuer__Output {
  'keySha256': (Buffer);
  'state': (_blazon_v1_IssuerState__Output);
}
