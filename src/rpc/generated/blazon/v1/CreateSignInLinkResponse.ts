// Original file: proto/blazon/v1/admin.proto

import type { Long } from '@grpc/proto-loader';

export interface CreateSignInLinkResponse {
  'url'?: (string);
  'expiresAtMs'?: (number | string | Long);
}

export interface CreateSignInLinkResponse__Output {
  'url': (string);
  'expiresAtMs': (number);
}
