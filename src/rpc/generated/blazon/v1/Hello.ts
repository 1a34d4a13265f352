// Original file: proto/blazon/v1/tunnel.proto

import type { Endpoint as _blazon_v1_Endpoint, Endpoint__Output as _blazon_v1_Endpoint__Output } from '../../blazon/v1/Endpoint.ts';

export interface Hello {
  'version'?: (number);
  'profile'?: (Buffer | Uint8Array | string);
  'endpoint'?: (_blazon_v1_Endpoint | null);
}

export interface Hello__Output {
  'version': (number);
  'profile': (Buffer);
  'endpoint': (_blazon_v1_Endpoint__Output | null);
}
