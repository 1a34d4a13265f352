// Original file: proto/blazon/v1/admin.proto

import type { ExplainEnd as _blazon_v1_ExplainEnd, ExplainEnd__Output as _blazon_v1_ExplainEnd__Output } from '../../blazon/v1/ExplainEnd.ts';

export interface ExplainRequest {
  'from'?: (_blazon_v1_ExplainEnd | null);
  'to'?: (_blazon_v1_ExplainEnd | null);
  'port'?: (number);
}

export interface ExplainRequest__Output {
  'from': (_blazon_v1_ExplainEnd__Output | null);
  'to': (_blazon_v1_ExplainEnd__Output | null);
  'port': (number);
}
