// Original file: proto/blazon/v1/mesh.proto

import type { Long } from '@grpc/proto-loader';

export interface Heartbeat {
  'controllerTimeMs'?: (number | string | Long);
}

export interface Heartbeat__Output {
  'controllerTimeMs': (number);
}
