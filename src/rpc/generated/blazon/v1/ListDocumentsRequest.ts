// Original file: proto/blazon/v1/admin.proto


export interface ListDocumentsRequest {
  'kind'?: (string);
  'name'?: (string);
}

export interface ListDocumentsRequest__Output {
  'kind': (string);
  'name': (string);
}
