// Original file: proto/blazon/v1/admin.proto

import type { Verdict as _blazon_v1_Verdict, Verdict__Output as _blazon_v1_Verdict__Output } from '../../blazon/v1/Verdict.ts';
import type { Long } from '@grpc/proto-loader';

export interface ListFlowsRequest {
  'sinceMs'?: (number | string | Long);
  'untilMs'?: (number | string | Long);
  'workload'?: (string);
  'verdict'?: (_blazon_v1_Verdict);
  'limit'?: (number);
}

export interface ListFlowsRequest__Output {
  'sinceMs': (number);
  'untilMs': (number);
  'workload': (string);
  'verdict': (_blazon_v1_Verdict__Output);
  'limit': (number);
}
