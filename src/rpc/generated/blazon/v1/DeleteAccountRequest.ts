// Original file: proto/blazon/v1/admin.proto


export interface DeleteAccountRequest {
  'accountId'?: (string);
  'revoke'?: (boolean);
}

export interface DeleteAccountRequest__Output {
  'accountId': (string);
  'revoke': (boolean);
}
