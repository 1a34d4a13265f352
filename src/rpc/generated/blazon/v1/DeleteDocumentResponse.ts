// Original file: proto/blazon/v1/admin.proto

import type { Long } from '@grpc/proto-loader';

export interface DeleteDocumentResponse {
  'revision'?: (number | string | Long);
}

export interface DeleteDocumentResponse__Output {
  'revision': (number);
}
