// Original file: proto/blazon/v1/mesh.proto

import type { WatchOpen as _blazon_v1_WatchOpen, WatchOpen__Output as _blazon_v1_WatchOpen__Output } from '../../blazon/v1/WatchOpen.ts';
import type { Acknowledge as _blazon_v1_Acknowledge, Acknowledge__Output as _blazon_v1_Acknowledge__Output } from '../../blazon/v1/Acknowledge.ts';
import type { Reject as _blazon_v1_Reject, Reject__Output as _blazon_v1_Reject__Output } from '../../blazon/v1/Reject.ts';

export interface WatchRequest {
  'open'?: (_blazon_v1_WatchOpen | null);
  'acknowledge'?: (_blazon_v1_Acknowledge | null);
  'reject'?: (_blazon_v1_Reject | null);
  'kind'?: "open"|"acknowledge"|"reject";
}

export interface WatchRequest__Output {
  'open'?: (_blazon_v1_WatchOpen__Output | null);
  'acknowledge'?: (_blazon_v1_Acknowledge__Output | null);
  'reject'?: (_blazon_v1_Reject__Output | null);
  'kind'?: "open"|"acknowledge"|"reject";
}
