// Original file: proto/blazon/v1/common.proto

import type { Long } from '@grpc/proto-loader';

export interface Document {
  'kind'?: (string);
  'name'?: (string);
  'namespace'?: (string);
  'revision'?: (number | string | Long);
  'specJson'?: (Buffer | Uint8Array | string);
}

export interface Document__Output {
  'kind': (string);
  'name': (string);
  'namespace': (string);
  'revision': (number);
  'specJson': (Buffer);
}
