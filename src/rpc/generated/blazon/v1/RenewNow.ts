// Original file: proto/blazon/v1/mesh.proto


export interface RenewNow {
  'reason'?: (string);
}

export interface RenewNow__Output {
  'reason': (string);
}
