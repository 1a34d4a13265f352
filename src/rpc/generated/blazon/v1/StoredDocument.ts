// Original file: proto/blazon/v1/admin.proto

import type { Document as _blazon_v1_Document, Document__Output as _blazon_v1_Document__Output } from '../../blazon/v1/Document.ts';
import type { Long } from '@grpc/proto-loader';

export interface StoredDocument {
  'document'?: (_blazon_v1_Document | null);
  'author'?: (string);
  'changedAtMs'?: (number | string | Long);
  'yaml'?: (string);
}

export interface StoredDocument__Output {
  'document': (_blazon_v1_Document__Output | null);
  'author': (string);
  'changedAtMs': (number);
  'yaml': (string);
}
