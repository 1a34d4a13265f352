// Original file: proto/blazon/v1/admin.proto


export interface ListAccountsRequest {
}

export interface ListAccountsRequest__Output {
}
