// Original file: proto/blazon/v1/common.proto


export interface Svid {
  'chain'?: (Buffer | Uint8Array | string)[];
  'profile'?: (Buffer | Uint8Array | string);
}

export interface Svid__Output {
  'chain': (Buffer)[];
  'profile': (Buffer);
}
