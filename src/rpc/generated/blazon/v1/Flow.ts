// Original file: proto/blazon/v1/admin.proto

import type { FlowEnd as _blazon_v1_FlowEnd, FlowEnd__Output as _blazon_v1_FlowEnd__Output } from '../../blazon/v1/FlowEnd.ts';
import type { Encryption as _blazon_v1_Encryption, Encryption__Output as _blazon_v1_Encryption__Output } from '../../blazon/v1/Encryption.ts';
import type { Long } from '@grpc/proto-loader';

export interface Flow {
  'bucketStartMs'?: (number | string | Long);
  'from'?: (_blazon_v1_FlowEnd | null);
  'to'?: (_blazon_v1_FlowEnd | null);
  'destinationAddress'?: (string);
  'destinationPort'?: (number);
  'encryption'?: (_blazon_v1_Encryption);
  'opened'?: (number | string | Long);
  'closed'?: (number | string | Long);
  'bytesSent'?: (number | string | Long);
  'bytesReceived'?: (number | string | Long);
  'stitched'?: (boolean);
}

export interface Flow__Output {
  'bucketStartMs': (number);
  'from': (_blazon_v1_FlowEnd__Output | null);
  'to': (_blazon_v1_FlowEnd__Output | null);
  'destinationAddress': (string);
  'destinationPort': (number);
  'encryption': (_blazon_v1_Encryption__Output);
  'opened': (number);
  'closed': (number);
  'bytesSent': (number);
  'bytesReceived': (number);
  'stitched': (boolean);
}
