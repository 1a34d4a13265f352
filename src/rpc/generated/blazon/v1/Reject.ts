// Original file: proto/blazon/v1/mesh.proto

import type { Long } from '@grpc/proto-loader';

export interface Reject {
  'version'?: (number | string | Long);
  'reason'?: (string);
}

export interface Reject__Output {
  'version': (number);
  'reason': (string);
}
