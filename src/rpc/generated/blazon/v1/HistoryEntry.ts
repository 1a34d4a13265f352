// Original file: proto/blazon/v1/admin.proto

import type { Long } from '@grpc/proto-loader';

export interface HistoryEntry {
  'revision'?: (number | string | Long);
  'author'?: (string);
  'changedAtMs'?: (number | string | Long);
  'deleted'?: (boolean);
  'yaml'?: (string);
}

export interface HistoryEntry__Output {
  'revision': (number);
  'author': (string);
  'changedAtMs': (number);
  'deleted': (boolean);
  'yaml': (string);
}
