// Original file: proto/blazon/v1/admin.proto

import type { Attribute as _blazon_v1_Attribute, Attribute__Output as _blazon_v1_Attribute__Output } from '../../blazon/v1/Attribute.ts';
import type { Listener as _blazon_v1_Listener, Listener__Output as _blazon_v1_Listener__Output } from '../../blazon/v1/Listener.ts';
import type { Long } from '@grpc/proto-loader';

export interface Workload {
  'workloadId'?: (string);
  'name'?: (string);
  'spiffeId'?: (string);
  'generation'?: (number | string | Long);
  'serial'?: (string);
  'notAfterMs'?: (number | string | Long);
  'revoked'?: (boolean);
  'watching'?: (boolean);
  'policyVersion'?: (number | string | Long);
  'rejected'?: (string);
  'nodeKeySha256'?: (string);
  'attributes'?: (_blazon_v1_Attribute)[];
  'listeners'?: (_blazon_v1_Listener)[];
  'sidecarVersion'?: (string);
}

export interface Workload__Output {
  'workloadId': (string);
  'name': (string);
  'spiffeId': (string);
  'generation': (number);
  'serial': (string);
  'notAfterMs': (number);
  'revoked': (boolean);
  'watching': (boolean);
  'policyVersion': (number);
  'rejected': (string);
  'nodeKeySha256': (string);
  'attributes': (_blazon_v1_Attribute__Output)[];
  'listeners': (_blazon_v1_Listener__Output)[];
  'sidecarVersion': (string);
}
