// Original file: proto/blazon/v1/admin.proto

import type { Attribute as _blazon_v1_Attribute, Attribute__Output as _blazon_v1_Attribute__Output } from '../../blazon/v1/Attribute.ts';

export interface AttributeSet {
  'attributes'?: (_blazon_v1_Attribute)[];
}

export interface AttributeSet__Output {
  'attributes': (_blazon_v1_Attribute__Output)[];
}
