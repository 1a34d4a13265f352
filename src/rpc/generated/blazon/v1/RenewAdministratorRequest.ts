// Original file: proto/blazon/v1/admin.proto


export interface RenewAdministratorRequest {
  'csr'?: (Buffer | Uint8Array | string);
}

export interface RenewAdministratorRequest__Output {
  'csr': (Buffer);
}
