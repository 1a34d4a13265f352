// Original file: proto/blazon/v1/admin.proto

import type { Label as _blazon_v1_Label, Label__Output as _blazon_v1_Label__Output } from '../../blazon/v1/Label.ts';

export interface SetLabelsResponse {
  'labels'?: (_blazon_v1_Label)[];
}

export interface SetLabelsResponse__Output {
  'labels': (_blazon_v1_Label__Output)[];
}
