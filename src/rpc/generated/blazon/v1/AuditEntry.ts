// Original file: proto/blazon/v1/admin.proto

import type { Long } from '@grpc/proto-loader';

export interface AuditEntry {
  'sequence'?: (number | string | Long);
  'timeMs'?: (number | string | Long);
  'caller'?: (string);
  'method'?: (string);
  'requestJson'?: (string);
  'outcome'?: (string);
  'previousHash'?: (Buffer | Uint8Array | string);
  'hash'?: (Buffer | Uint8Array | string);
}

export interface AuditEntry__Output {
  'sequence': (number);
  'timeMs': (number);
  'caller': (string);
  'method': (string);
  'requestJson': (string);
  'outcome': (string);
  'previousHash': (Buffer);
  'hash': (Buffer);
}
