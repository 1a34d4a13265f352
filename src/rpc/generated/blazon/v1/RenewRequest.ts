// Original file: proto/blazon/v1/mesh.proto


export interface RenewRequest {
  'nonce'?: (Buffer | Uint8Array | string);
  'subject'?: (Buffer | Uint8Array | string);
  'csr'?: (Buffer | Uint8Array | string);
  'signature'?: (Buffer | Uint8Array | string);
}

export interface RenewRequest__Output {
  'nonce': (Buffer);
  'subject': (Buffer);
  'csr': (Buffer);
  'signature': (Buffer);
}
