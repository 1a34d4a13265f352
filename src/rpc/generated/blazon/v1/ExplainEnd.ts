// Original file: proto/blazon/v1/admin.proto

import type { AttributeSet as _blazon_v1_AttributeSet, AttributeSet__Output as _blazon_v1_AttributeSet__Output } from '../../blazon/v1/AttributeSet.ts';

export interface ExplainEnd {
  'workload'?: (string);
  'attributes'?: (_blazon_v1_AttributeSet | null);
  'kind'?: "workload"|"attributes";
}

export interface ExplainEnd__Output {
  'workload'?: (string);
  'attributes'?: (_blazon_v1_AttributeSet__Output | null);
  'kind'?: "workload"|"attributes";
}
