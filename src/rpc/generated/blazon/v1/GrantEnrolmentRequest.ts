// Original file: proto/blazon/v1/admin.proto

import type { Long } from '@grpc/proto-loader';

export interface GrantEnrolmentRequest {
  'account'?: (string);
  'region'?: (string);
  'instanceId'?: (string);
  'ttlSeconds'?: (number | string | Long);
  'reason'?: (string);
}

export interface GrantEnrolmentRequest__Output {
  'account': (string);
  'region': (string);
  'instanceId': (string);
  'ttlSeconds': (number);
  'reason': (string);
}
