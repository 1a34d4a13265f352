// Original file: proto/blazon/v1/enrolment.proto


export interface DetachedIid {
  'document'?: (Buffer | Uint8Array | string);
  'signature'?: (Buffer | Uint8Array | string);
}

export interface DetachedIid__Output {
  'document': (Buffer);
  'signature': (Buffer);
}
