// Original file: proto/blazon/v1/tunnel.proto


export interface StreamNotice {
  'streamId'?: (number);
  'reason'?: (string);
}

export interface StreamNotice__Output {
  'streamId': (number);
  'reason': (string);
}
