// Original file: proto/blazon/v1/mesh.proto

import type { Bundle as _blazon_v1_Bundle, Bundle__Output as _blazon_v1_Bundle__Output } from '../../blazon/v1/Bundle.ts';
import type { Document as _blazon_v1_Document, Document__Output as _blazon_v1_Document__Output } from '../../blazon/v1/Document.ts';
import type { Long } from '@grpc/proto-loader';

export interface Snapshot {
  'version'?: (number | string | Long);
  'bundle'?: (_blazon_v1_Bundle | null);
  'documents'?: (_blazon_v1_Document)[];
  'meshAddresses'?: (Buffer | Uint8Array | string)[];
}

export interface Snapshot__Output {
  'version': (number);
  'bundle': (_blazon_v1_Bundle__Output | null);
  'documents': (_blazon_v1_Document__Output)[];
  'meshAddresses': (Buffer)[];
}
