// Original file: proto/blazon/v1/common.proto

import type { Long } from '@grpc/proto-loader';

export interface JwtKey {
  'keyId'?: (string);
  'spki'?: (Buffer | Uint8Array | string);
  'use'?: (string);
  'notAfterMs'?: (number | string | Long);
}

export interface JwtKey__Output {
  'keyId': (string);
  'spki': (Buffer);
  'use': (string);
  'notAfterMs': (number);
}
