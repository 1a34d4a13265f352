// Original file: proto/blazon/v1/admin.proto

import type { AttributeSet as _blazon_v1_AttributeSet, AttributeSet__Output as _blazon_v1_AttributeSet__Output } from '../../blazon/v1/AttributeSet.ts';

export interface ExplainEnd {
  'workload'?: (string);
  'attributes'?: (_blazon_v1_AttributeSet | null);
  'external'?: (string);
  'kind'?: "workload"|"attributes"|"external";
}

export interface ExplainEnd__Output {
  'workload'?: (string);
  'attributes'?: (_blazon_v1_AttributeSet__Output | null);
  'external'?: (string);
  'kind'?: "workload"|"attributes"|"external";
}
