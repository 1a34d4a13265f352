// Original file: proto/blazon/v1/admin.proto


export interface ListNodesRequest {
  'match'?: (string);
}

export interface ListNodesRequest__Output {
  'match': (string);
}
