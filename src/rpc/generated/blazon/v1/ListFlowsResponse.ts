// Original file: proto/blazon/v1/admin.proto

import type { Flow as _blazon_v1_Flow, Flow__Output as _blazon_v1_Flow__Output } from '../../blazon/v1/Flow.ts';
import type { Long } from '@grpc/proto-loader';

export interface ListFlowsResponse {
  'flows'?: (_blazon_v1_Flow)[];
  'lost'?: (number | string | Long);
}

export interface ListFlowsResponse__Output {
  'flows': (_blazon_v1_Flow__Output)[];
  'lost': (number);
}
