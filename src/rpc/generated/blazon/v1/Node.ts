// Original file: proto/blazon/v1/admin.proto

import type { Attribute as _blazon_v1_Attribute, Attribute__Output as _blazon_v1_Attribute__Output } from '../../blazon/v1/Attribute.ts';
import type { Long } from '@grpc/proto-loader';

export interface Node {
  'nodeId'?: (string);
  'method'?: (string);
  'nodeKeySha256'?: (string);
  'firstSeenMs'?: (number | string | Long);
  'lastSeenMs'?: (number | string | Long);
  'pendingTimeMs'?: (number | string | Long);
  'frozen'?: (boolean);
  'workloadIds'?: (string)[];
  'attributes'?: (_blazon_v1_Attribute)[];
}

export interface Node__Output {
  'nodeId': (string);
  'method': (string);
  'nodeKeySha256': (string);
  'firstSeenMs': (number);
  'lastSeenMs': (number);
  'pendingTimeMs': (number);
  'frozen': (boolean);
  'workloadIds': (string)[];
  'attributes': (_blazon_v1_Attribute__Output)[];
}
