// Original file: proto/blazon/v1/admin.proto

import type { Verdict as _blazon_v1_Verdict, Verdict__Output as _blazon_v1_Verdict__Output } from '../../blazon/v1/Verdict.ts';

export interface FlowEnd {
  'workloadId'?: (string);
  'spiffeId'?: (string);
  'verdict'?: (_blazon_v1_Verdict);
  'reason'?: (string);
  'policy'?: (string);
}

export interface FlowEnd__Output {
  'workloadId': (string);
  'spiffeId': (string);
  'verdict': (_blazon_v1_Verdict__Output);
  'reason': (string);
  'policy': (string);
}
