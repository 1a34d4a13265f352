// Original file: proto/blazon/v1/enrolment.proto


export interface ClaimAdministratorRequest {
  'secret'?: (string);
  'csr'?: (Buffer | Uint8Array | string);
  'name'?: (string);
}

export interface ClaimAdministratorRequest__Output {
  'secret': (string);
  'csr': (Buffer);
  'name': (string);
}
