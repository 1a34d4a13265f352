// Original file: proto/blazon/v1/mesh.proto

import type { Long } from '@grpc/proto-loader';

export interface IssueJwtResponse {
  'token'?: (string);
  'expiresAtMs'?: (number | string | Long);
}

export interface IssueJwtResponse__Output {
  'token': (string);
  'expiresAtMs': (number);
}
