// Original file: proto/blazon/v1/admin.proto

import type { HistoryEntry as _blazon_v1_HistoryEntry, HistoryEntry__Output as _blazon_v1_HistoryEntry__Output } from '../../blazon/v1/HistoryEntry.ts';

export interface ListHistoryResponse {
  'entries'?: (_blazon_v1_HistoryEntry)[];
}

export interface ListHistoryResponse__Output {
  'entries': (_blazon_v1_HistoryEntry__Output)[];
}
