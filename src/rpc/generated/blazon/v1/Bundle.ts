// Original file: proto/blazon/v1/common.proto

import type { Issuer as _blazon_v1_Issuer, Issuer__Output as _blazon_v1_Issuer__Output } from '../../blazon/v1/Issuer.ts';
import type { JwtKey as _blazon_v1_JwtKey, JwtKey__Output as _blazon_v1_JwtKey__Output } from '../../blazon/v1/JwtKey.ts';
import type { Long } from '@grpc/proto-loader';

export interface Bundle {
  'trustDomain'?: (string);
  'version'?: (number | string | Long);
  'roots'?: (Buffer | Uint8Array | string)[];
  'issuers'?: (_blazon_v1_Issuer)[];
  'jwtKeys'?: (_blazon_v1_JwtKey)[];
}

export interface Bundle__Output {
  'trustDomain': (string);
  'version': (number);
  'roots': (Buffer)[];
  'issuers': (_blazon_v1_Issuer__Output)[];
  'jwtKeys': (_blazon_v1_JwtKey__Output)[];
}
