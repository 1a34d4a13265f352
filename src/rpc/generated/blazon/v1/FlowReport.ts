// Original file: proto/blazon/v1/mesh.proto

import type { FlowRecord as _blazon_v1_FlowRecord, FlowRecord__Output as _blazon_v1_FlowRecord__Output } from '../../blazon/v1/FlowRecord.ts';
import type { Long } from '@grpc/proto-loader';

export interface FlowReport {
  'runId'?: (string);
  'sequence'?: (number | string | Long);
  'lost'?: (number | string | Long);
  'records'?: (_blazon_v1_FlowRecord)[];
}

export interface FlowReport__Output {
  'runId': (string);
  'sequence': (number);
  'lost': (number);
  'records': (_blazon_v1_FlowRecord__Output)[];
}
