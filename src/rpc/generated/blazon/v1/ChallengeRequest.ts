// Original file: proto/blazon/v1/enrolment.proto


export interface ChallengeRequest {
}

export interface ChallengeRequest__Output {
}
