// Original file: proto/blazon/v1/admin.proto


export interface AuditHeadRequest {
}

export interface AuditHeadRequest__Output {
}
