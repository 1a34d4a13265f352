// Original file: proto/blazon/v1/admin.proto

import type { StoredDocument as _blazon_v1_StoredDocument, StoredDocument__Output as _blazon_v1_StoredDocument__Output } from '../../blazon/v1/StoredDocument.ts';

export interface ListDocumentsResponse {
  'documents'?: (_blazon_v1_StoredDocument)[];
}

export interface ListDocumentsResponse__Output {
  'documents': (_blazon_v1_StoredDocument__Output)[];
}
