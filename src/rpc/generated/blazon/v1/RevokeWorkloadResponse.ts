// Original file: proto/blazon/v1/admin.proto

import type { Long } from '@grpc/proto-loader';

export interface RevokeWorkloadResponse {
  'workloadId'?: (string);
  'lowestGoodGeneration'?: (number | string | Long);
  'notified'?: (number);
}

export interface RevokeWorkloadResponse__Output {
  'workloadId': (string);
  'lowestGoodGeneration': (number);
  'notified': (number);
}
