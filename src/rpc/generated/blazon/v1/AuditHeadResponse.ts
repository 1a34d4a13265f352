// Original file: proto/blazon/v1/admin.proto

import type { Long } from '@grpc/proto-loader';

export interface AuditHeadResponse {
  'sequence'?: (number | string | Long);
  'hash'?: (Buffer | Uint8Array | string);
  'timeMs'?: (number | string | Long);
  'keyId'?: (string);
  'signature'?: (Buffer | Uint8Array | string);
  'publicKey'?: (Buffer | Uint8Array | string);
}

export interface AuditHeadResponse__Output {
  'sequence': (number);
  'hash': (Buffer);
  'timeMs': (number);
  'keyId': (string);
  'signature': (Buffer);
  'publicKey': (Buffer);
}
