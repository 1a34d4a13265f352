// Original file: proto/blazon/v1/admin.proto

import type { Label as _blazon_v1_Label, Label__Output as _blazon_v1_Label__Output } from '../../blazon/v1/Label.ts';
import type { Long } from '@grpc/proto-loader';

export interface CreateJoinTokenRequest {
  'uses'?: (number);
  'ttlSeconds'?: (number | string | Long);
  'labels'?: (_blazon_v1_Label)[];
  'description'?: (string);
}

export interface CreateJoinTokenRequest__Output {
  'uses': (number);
  'ttlSeconds': (number);
  'labels': (_blazon_v1_Label__Output)[];
  'description': (string);
}
