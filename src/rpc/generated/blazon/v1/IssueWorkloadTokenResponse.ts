// Original file: proto/blazon/v1/mesh.proto

import type { Long } from '@grpc/proto-loader';

export interface IssueWorkloadTokenResponse {
  'token'?: (string);
  'expiresAtMs'?: (number | string | Long);
}

export interface IssueWorkloadTokenResponse__Output {
  'token': (string);
  'expiresAtMs': (number);
}
