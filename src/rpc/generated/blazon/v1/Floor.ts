// Original file: proto/blazon/v1/common.proto

import type { Long } from '@grpc/proto-loader';

export interface Floor {
  'workloadId'?: (string);
  'lowestGoodGeneration'?: (number | string | Long);
  'untilMs'?: (number | string | Long);
}

export interface Floor__Output {
  'workloadId': (string);
  'lowestGoodGeneration': (number);
  'untilMs': (number);
}
