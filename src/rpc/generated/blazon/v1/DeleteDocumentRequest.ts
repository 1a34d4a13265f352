// Original file: proto/blazon/v1/admin.proto


export interface DeleteDocumentRequest {
  'kind'?: (string);
  'name'?: (string);
}

export interface DeleteDocumentRequest__Output {
  'kind': (string);
  'name': (string);
}
