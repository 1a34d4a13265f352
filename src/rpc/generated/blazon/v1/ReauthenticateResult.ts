// Original file: proto/blazon/v1/tunnel.proto

import type { Long } from '@grpc/proto-loader';

export interface ReauthenticateResult {
  'sequence'?: (number | string | Long);
  'reason'?: (string);
}

export interface ReauthenticateResult__Output {
  'sequence': (number);
  'reason': (string);
}
