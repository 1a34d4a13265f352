// Original file: proto/blazon/v1/admin.proto


export interface DeleteAccountResponse {
  'revoked'?: (number);
}

export interface DeleteAccountResponse__Output {
  'revoked': (number);
}
