// Original file: proto/blazon/v1/mesh.proto


export interface IssueWorkloadTokenRequest {
}

export interface IssueWorkloadTokenRequest__Output {
}
