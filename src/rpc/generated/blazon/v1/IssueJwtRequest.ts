// Original file: proto/blazon/v1/mesh.proto


export interface IssueJwtRequest {
  'audience'?: (string)[];
}

export interface IssueJwtRequest__Output {
  'audience': (string)[];
}
