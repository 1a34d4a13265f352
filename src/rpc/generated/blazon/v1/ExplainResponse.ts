// Original file: proto/blazon/v1/admin.proto

import type { Verdict as _blazon_v1_Verdict, Verdict__Output as _blazon_v1_Verdict__Output } from '../../blazon/v1/Verdict.ts';
import type { Encryption as _blazon_v1_Encryption, Encryption__Output as _blazon_v1_Encryption__Output } from '../../blazon/v1/Encryption.ts';
import type { ExplainedPolicy as _blazon_v1_ExplainedPolicy, ExplainedPolicy__Output as _blazon_v1_ExplainedPolicy__Output } from '../../blazon/v1/ExplainedPolicy.ts';

export interface ExplainResponse {
  'verdict'?: (_blazon_v1_Verdict);
  'reason'?: (string);
  'policy'?: (string);
  'encryption'?: (_blazon_v1_Encryption);
  'policies'?: (_blazon_v1_ExplainedPolicy)[];
  'nearestMiss'?: (string);
}

export interface ExplainResponse__Output {
  'verdict': (_blazon_v1_Verdict__Output);
  'reason': (string);
  'policy': (string);
  'encryption': (_blazon_v1_Encryption__Output);
  'policies': (_blazon_v1_ExplainedPolicy__Output)[];
  'nearestMiss': (string);
}
