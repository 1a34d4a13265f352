// Original file: proto/blazon/v1/mesh.proto

import type { Long } from '@grpc/proto-loader';

export interface FlowReportAck {
  'sequence'?: (number | string | Long);
}

export interface FlowReportAck__Output {
  'sequence': (number);
}
