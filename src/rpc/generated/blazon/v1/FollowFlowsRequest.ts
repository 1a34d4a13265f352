// Original file: proto/blazon/v1/admin.proto

import type { Verdict as _blazon_v1_Verdict, Verdict__Output as _blazon_v1_Verdict__Output } from '../../blazon/v1/Verdict.ts';

export interface FollowFlowsRequest {
  'workload'?: (string);
  'verdict'?: (_blazon_v1_Verdict);
}

export interface FollowFlowsRequest__Output {
  'workload': (string);
  'verdict': (_blazon_v1_Verdict__Output);
}
