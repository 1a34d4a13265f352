// Original file: proto/blazon/v1/admin.proto


export interface RotateIssuerRequest {
}

export interface RotateIssuerRequest__Output {
}
