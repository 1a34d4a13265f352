// Original file: proto/blazon/v1/mesh.proto


export interface Listener {
  'address'?: (string);
  'port'?: (number);
}

export interface Listener__Output {
  'address': (string);
  'port': (number);
}
