// Original file: proto/blazon/v1/enrolment.proto

import type { Svid as _blazon_v1_Svid, Svid__Output as _blazon_v1_Svid__Output } from '../../blazon/v1/Svid.ts';
import type { Bundle as _blazon_v1_Bundle, Bundle__Output as _blazon_v1_Bundle__Output } from '../../blazon/v1/Bundle.ts';
import type { Floors as _blazon_v1_Floors, Floors__Output as _blazon_v1_Floors__Output } from '../../blazon/v1/Floors.ts';
import type { DroppedAttribute as _blazon_v1_DroppedAttribute, DroppedAttribute__Output as _blazon_v1_DroppedAttribute__Output } from '../../blazon/v1/DroppedAttribute.ts';
import type { Long } from '@grpc/proto-loader';

export interface AttestResponse {
  'svid'?: (_blazon_v1_Svid | null);
  'bundle'?: (_blazon_v1_Bundle | null);
  'floors'?: (_blazon_v1_Floors | null);
  'dropped'?: (_blazon_v1_DroppedAttribute)[];
  'controllerTimeMs'?: (number | string | Long);
}

export interface AttestResponse__Output {
  'svid': (_blazon_v1_Svid__Output | null);
  'bundle': (_blazon_v1_Bundle__Output | null);
  'floors': (_blazon_v1_Floors__Output | null);
  'dropped': (_blazon_v1_DroppedAttribute__Output)[];
  'controllerTimeMs': (number);
}
