// Original file: proto/blazon/v1/enrolment.proto


export interface AttestRequest {
  'nonce'?: (Buffer | Uint8Array | string);
  'evidence'?: (Buffer | Uint8Array | string);
  'subject'?: (Buffer | Uint8Array | string);
  'csr'?: (Buffer | Uint8Array | string);
  'nodeKey'?: (Buffer | Uint8Array | string);
  'signature'?: (Buffer | Uint8Array | string);
}

export interface AttestRequest__Output {
  'nonce': (Buffer);
  'evidence': (Buffer);
  'subject': (Buffer);
  'csr': (Buffer);
  'nodeKey': (Buffer);
  'signature': (Buffer);
}
