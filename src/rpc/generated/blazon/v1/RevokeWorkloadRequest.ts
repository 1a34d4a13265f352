// Original file: proto/blazon/v1/admin.proto


export interface RevokeWorkloadRequest {
  'workload'?: (string);
  'reason'?: (string);
  'refuseRenewal'?: (boolean);
  'reinstate'?: (boolean);
}

export interface RevokeWorkloadRequest__Output {
  'workload': (string);
  'reason': (string);
  'refuseRenewal': (boolean);
  'reinstate': (boolean);
}
