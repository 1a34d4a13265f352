// Original file: proto/blazon/v1/tunnel.proto


export interface Endpoint {
  'address'?: (string);
  'port'?: (number);
}

export interface Endpoint__Output {
  'address': (string);
  'port': (number);
}
