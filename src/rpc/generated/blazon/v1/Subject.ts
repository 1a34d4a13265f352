// Original file: proto/blazon/v1/enrolment.proto

import type { Attribute as _blazon_v1_Attribute, Attribute__Output as _blazon_v1_Attribute__Output } from '../../blazon/v1/Attribute.ts';

export interface Subject {
  'workload'?: (string);
  'attributes'?: (_blazon_v1_Attribute)[];
  'schemaVersion'?: (number);
}

export interface Subject__Output {
  'workload': (string);
  'attributes': (_blazon_v1_Attribute__Output)[];
  'schemaVersion': (number);
}
