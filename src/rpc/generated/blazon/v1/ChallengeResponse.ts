// Original file: proto/blazon/v1/enrolment.proto

import type { Long } from '@grpc/proto-loader';

export interface ChallengeResponse {
  'nonce'?: (Buffer | Uint8Array | string);
  'expiresAtMs'?: (number | string | Long);
  'trustDomain'?: (string);
}

export interface ChallengeResponse__Output {
  'nonce': (Buffer);
  'expiresAtMs': (number);
  'trustDomain': (string);
}
