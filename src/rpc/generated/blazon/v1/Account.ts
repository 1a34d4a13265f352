// Original file: proto/blazon/v1/admin.proto

import type { Long } from '@grpc/proto-loader';

export interface Account {
  'accountId'?: (string);
  'name'?: (string);
  'verified'?: (string);
  'arn'?: (string);
  'tagsTrusted'?: (boolean);
  'author'?: (string);
  'changedAtMs'?: (number | string | Long);
}

export interface Account__Output {
  'accountId': (string);
  'name': (string);
  'verified': (string);
  'arn': (string);
  'tagsTrusted': (boolean);
  'author': (string);
  'changedAtMs': (number);
}
