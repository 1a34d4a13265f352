// Original file: proto/blazon/v1/admin.proto


export interface CreateSignInLinkRequest {
}

export interface CreateSignInLinkRequest__Output {
}
