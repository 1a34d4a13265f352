// Original file: proto/blazon/v1/admin.proto


export interface PutAccountRequest {
  'accountId'?: (string);
  'name'?: (string);
  'tagsTrusted'?: (boolean);
}

export interface PutAccountRequest__Output {
  'accountId': (string);
  'name': (string);
  'tagsTrusted': (boolean);
}
