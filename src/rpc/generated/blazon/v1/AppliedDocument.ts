// Original file: proto/blazon/v1/admin.proto

import type { ApplyAction as _blazon_v1_ApplyAction, ApplyAction__Output as _blazon_v1_ApplyAction__Output } from '../../blazon/v1/ApplyAction.ts';
import type { Long } from '@grpc/proto-loader';

export interface AppliedDocument {
  'kind'?: (string);
  'name'?: (string);
  'action'?: (_blazon_v1_ApplyAction);
  'revision'?: (number | string | Long);
}

export interface AppliedDocument__Output {
  'kind': (string);
  'name': (string);
  'action': (_blazon_v1_ApplyAction__Output);
  'revision': (number);
}
