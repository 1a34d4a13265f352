// Original file: proto/blazon/v1/admin.proto


export interface ListWorkloadsRequest {
  'match'?: (string);
}

export interface ListWorkloadsRequest__Output {
  'match': (string);
}
