// Original file: proto/blazon/v1/enrolment.proto


export interface KubernetesEvidence {
  'token'?: (string);
}

export interface KubernetesEvidence__Output {
  'token': (string);
}
