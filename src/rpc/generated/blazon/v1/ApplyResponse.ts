// Original file: proto/blazon/v1/admin.proto

import type { AppliedDocument as _blazon_v1_AppliedDocument, AppliedDocument__Output as _blazon_v1_AppliedDocument__Output } from '../../blazon/v1/AppliedDocument.ts';

export interface ApplyResponse {
  'documents'?: (_blazon_v1_AppliedDocument)[];
  'warnings'?: (string)[];
}

export interface ApplyResponse__Output {
  'documents': (_blazon_v1_AppliedDocument__Output)[];
  'warnings': (string)[];
}
