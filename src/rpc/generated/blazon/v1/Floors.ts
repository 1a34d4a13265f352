// Original file: proto/blazon/v1/common.proto

import type { Floor as _blazon_v1_Floor, Floor__Output as _blazon_v1_Floor__Output } from '../../blazon/v1/Floor.ts';
import type { Long } from '@grpc/proto-loader';

export interface Floors {
  'version'?: (number | string | Long);
  'floors'?: (_blazon_v1_Floor)[];
}

export interface Floors__Output {
  'version': (number);
  'floors': (_blazon_v1_Floor__Output)[];
}
