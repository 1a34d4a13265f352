// Original file: proto/blazon/v1/admin.proto

import type { Long } from '@grpc/proto-loader';

export interface GrantEnrolmentResponse {
  'expiresAtMs'?: (number | string | Long);
}

export interface GrantEnrolmentResponse__Output {
  'expiresAtMs': (number);
}
