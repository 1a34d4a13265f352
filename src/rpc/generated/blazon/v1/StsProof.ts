// Original file: proto/blazon/v1/enrolment.proto

import type { HttpHeader as _blazon_v1_HttpHeader, HttpHeader__Output as _blazon_v1_HttpHeader__Output } from '../../blazon/v1/HttpHeader.ts';

export interface StsProof {
  'url'?: (string);
  'headers'?: (_blazon_v1_HttpHeader)[];
  'body'?: (Buffer | Uint8Array | string);
}

export interface StsProof__Output {
  'url': (string);
  'headers': (_blazon_v1_HttpHeader__Output)[];
  'body': (Buffer);
}
