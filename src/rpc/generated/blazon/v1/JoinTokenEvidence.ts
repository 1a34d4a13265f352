// Original file: proto/blazon/v1/enrolment.proto


export interface JoinTokenEvidence {
  'token'?: (string);
}

export interface JoinTokenEvidence__Output {
  'token': (string);
}
