// Original file: proto/blazon/v1/admin.proto

import type { Long } from '@grpc/proto-loader';

export interface ReadAuditRequest {
  'fromSequence'?: (number | string | Long);
}

export interface ReadAuditRequest__Output {
  'fromSequence': (number);
}
