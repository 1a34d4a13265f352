// Original file: proto/blazon/v1/mesh.proto

import type { Long } from '@grpc/proto-loader';

export interface Acknowledge {
  'version'?: (number | string | Long);
}

export interface Acknowledge__Output {
  'version': (number);
}
