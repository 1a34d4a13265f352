// Original file: proto/blazon/v1/admin.proto


export interface ListHistoryRequest {
  'kind'?: (string);
  'name'?: (string);
  'limit'?: (number);
}

export interface ListHistoryRequest__Output {
  'kind': (string);
  'name': (string);
  'limit': (number);
}
