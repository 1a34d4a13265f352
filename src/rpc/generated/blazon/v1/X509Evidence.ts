// Original file: proto/blazon/v1/enrolment.proto


export interface X509Evidence {
  'chain'?: (Buffer | Uint8Array | string)[];
  'signature'?: (Buffer | Uint8Array | string);
}

export interface X509Evidence__Output {
  'chain': (Buffer)[];
  'signature': (Buffer);
}
