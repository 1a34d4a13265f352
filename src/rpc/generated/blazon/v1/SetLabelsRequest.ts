// Original file: proto/blazon/v1/admin.proto

import type { Label as _blazon_v1_Label, Label__Output as _blazon_v1_Label__Output } from '../../blazon/v1/Label.ts';

export interface SetLabelsRequest {
  'workload'?: (string);
  'set'?: (_blazon_v1_Label)[];
  'remove'?: (string)[];
}

export interface SetLabelsRequest__Output {
  'workload': (string);
  'set': (_blazon_v1_Label__Output)[];
  'remove': (string)[];
}
