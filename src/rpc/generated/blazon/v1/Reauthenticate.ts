// Original file: proto/blazon/v1/tunnel.proto

import type { Long } from '@grpc/proto-loader';

export interface Reauthenticate {
  'sequence'?: (number | string | Long);
  'chain'?: (Buffer | Uint8Array | string)[];
  'profile'?: (Buffer | Uint8Array | string);
  'signature'?: (Buffer | Uint8Array | string);
}

export interface Reauthenticate__Output {
  'sequence': (number);
  'chain': (Buffer)[];
  'profile': (Buffer);
  'signature': (Buffer);
}
