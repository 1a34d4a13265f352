// Original file: proto/blazon/v1/common.proto

import type { Provenance as _blazon_v1_Provenance, Provenance__Output as _blazon_v1_Provenance__Output } from '../../blazon/v1/Provenance.ts';

export interface Attribute {
  'key'?: (string);
  'value'?: (string);
  'provenance'?: (_blazon_v1_Provenance);
}

export interface Attribute__Output {
  'key': (string);
  'value': (string);
  'provenance': (_blazon_v1_Provenance__Output);
}
