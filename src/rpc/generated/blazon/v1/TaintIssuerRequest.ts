// Original file: proto/blazon/v1/admin.proto


export interface TaintIssuerRequest {
  'keySha256'?: (string);
  'csr'?: (Buffer | Uint8Array | string);
}

export interface TaintIssuerRequest__Output {
  'keySha256': (string);
  'csr': (Buffer);
}
