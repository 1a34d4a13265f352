// Original file: proto/blazon/v1/mesh.proto

import type { Direction as _blazon_v1_Direction, Direction__Output as _blazon_v1_Direction__Output } from '../../blazon/v1/Direction.ts';
import type { Verdict as _blazon_v1_Verdict, Verdict__Output as _blazon_v1_Verdict__Output } from '../../blazon/v1/Verdict.ts';
import type { Encryption as _blazon_v1_Encryption, Encryption__Output as _blazon_v1_Encryption__Output } from '../../blazon/v1/Encryption.ts';
import type { Long } from '@grpc/proto-loader';

export interface FlowRecord {
  'bucketStartMs'?: (number | string | Long);
  'direction'?: (_blazon_v1_Direction);
  'peerSpiffeId'?: (string);
  'peerWorkloadId'?: (string);
  'destinationAddress'?: (string);
  'destinationPort'?: (number);
  'verdict'?: (_blazon_v1_Verdict);
  'reason'?: (string);
  'policy'?: (string);
  'encryption'?: (_blazon_v1_Encryption);
  'opened'?: (number | string | Long);
  'closed'?: (number | string | Long);
  'bytesSent'?: (number | string | Long);
  'bytesReceived'?: (number | string | Long);
  'flowIds'?: (Buffer | Uint8Array | string)[];
}

export interface FlowRecord__Output {
  'bucketStartMs': (number);
  'direction': (_blazon_v1_Direction__Output);
  'peerSpiffeId': (string);
  'peerWorkloadId': (string);
  'destinationAddress': (string);
  'destinationPort': (number);
  'verdict': (_blazon_v1_Verdict__Output);
  'reason': (string);
  'policy': (string);
  'encryption': (_blazon_v1_Encryption__Output);
  'opened': (number);
  'closed': (number);
  'bytesSent': (number);
  'bytesReceived': (number);
  'flowIds': (Buffer)[];
}
