// Original file: proto/blazon/v1/enrolment.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { AttestRequest as _blazon_v1_AttestRequest, AttestRequest__Output as _blazon_v1_AttestRequest__Output } from '../../blazon/v1/AttestRequest.ts';
import type { AttestResponse as _blazon_v1_AttestResponse, AttestResponse__Output as _blazon_v1_AttestResponse__Output } from '../../blazon/v1/AttestResponse.ts';
import type { ChallengeRequest as _blazon_v1_ChallengeRequest, ChallengeRequest__Output as _blazon_v1_ChallengeRequest__Output } from '../../blazon/v1/ChallengeRequest.ts';
import type { ChallengeResponse as _blazon_v1_ChallengeResponse, ChallengeResponse__Output as _blazon_v1_ChallengeResponse__Output } from '../../blazon/v1/ChallengeResponse.ts';
import type { ClaimAdministratorRequest as _blazon_v1_ClaimAdministratorRequest, ClaimAdministratorRequest__Output as _blazon_v1_ClaimAdministratorRequest__Output } from '../../blazon/v1/ClaimAdministratorRequest.ts';
import type { ClaimAdministratorResponse as _blazon_v1_ClaimAdministratorResponse, ClaimAdministratorResponse__Output as _blazon_v1_ClaimAdministratorResponse__Output } from '../../blazon/v1/ClaimAdministratorResponse.ts';

export interface EnrolmentClient extends grpc.Client {
  Attest(argument: _blazon_v1_AttestRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_AttestResponse__Output>): grpc.ClientUnaryCall;
  Attest(argument: _blazon_v1_AttestRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_blazon_v1_AttestResponse__Output>): grpc.ClientUnaryCall;
  Attest(argument: _blazon_v1_AttestRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_AttestResponse__Output>): grpc.ClientUnaryCall;
  Attest(argument: _blazon_v1_AttestRequest, callback: grpc.requestCallback<_blazon_v1_AttestResponse__Output>): grpc.ClientUnaryCall;
  attest(argument: _blazon_v1_AttestRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_AttestResponse__Output>): grpc.ClientUnaryCall;
  attest(argument: _blazon_v1_AttestRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_blazon_v1_AttestResponse__Output>): grpc.ClientUnaryCall;
  attest(argument: _blazon_v1_AttestRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_AttestResponse__Output>): grpc.ClientUnaryCall;
  attest(argument: _blazon_v1_AttestRequest, callback: grpc.requestCallback<_blazon_v1_AttestResponse__Output>): grpc.ClientUnaryCall;
  
  Challenge(argument: _blazon_v1_ChallengeRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_ChallengeResponse__Output>): grpc.ClientUnaryCall;
  Challenge(argument: _blazon_v1_ChallengeRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_blazon_v1_ChallengeResponse__Output>): grpc.ClientUnaryCall;
  Challenge(argument: _blazon_v1_ChallengeRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_ChallengeResponse__Output>): grpc.ClientUnaryCall;
  Challenge(argument: _blazon_v1_ChallengeRequest, callback: grpc.requestCallback<_blazon_v1_ChallengeResponse__Output>): grpc.ClientUnaryCall;
  challenge(argument: _blazon_v1_ChallengeRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_ChallengeResponse__Output>): grpc.ClientUnaryCall;
  challenge(argument: _blazon_v1_ChallengeRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_blazon_v1_ChallengeResponse__Output>): grpc.ClientUnaryCall;
  challenge(argument: _blazon_v1_ChallengeRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_ChallengeResponse__Output>): grpc.ClientUnaryCall;
  challenge(argument: _blazon_v1_ChallengeRequest, callback: grpc.requestCallback<_blazon_v1_ChallengeResponse__Output>): grpc.ClientUnaryCall;
  
  ClaimAdministrator(argument: _blazon_v1_ClaimAdministratorRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_ClaimAdministratorResponse__Output>): grpc.ClientUnaryCall;
  ClaimAdministrator(argument: _blazon_v1_ClaimAdministratorRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_blazon_v1_ClaimAdministratorResponse__Output>): grpc.ClientUnaryCall;
  ClaimAdministrator(argument: _blazon_v1_ClaimAdministratorRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_ClaimAdministratorResponse__Output>): grpc.ClientUnaryCall;
  ClaimAdministrator(argument: _blazon_v1_ClaimAdministratorRequest, callback: grpc.requestCallback<_blazon_v1_ClaimAdministratorResponse__Output>): grpc.ClientUnaryCall;
  claimAdministrator(argument: _blazon_v1_ClaimAdministratorRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_ClaimAdministratorResponse__Output>): grpc.ClientUnaryCall;
  claimAdministrator(argument: _blazon_v1_ClaimAdministratorRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_blazon_v1_ClaimAdministratorResponse__Output>): grpc.ClientUnaryCall;
  claimAdministrator(argument: _blazon_v1_ClaimAdministratorRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_ClaimAdministratorResponse__Output>): grpc.ClientUnaryCall;
  claimAdministrator(argument: _blazon_v1_ClaimAdministratorRequest, callback: grpc.requestCallback<_blazon_v1_ClaimAdministratorResponse__Output>): grpc.ClientUnaryCall;
  
}

export interface EnrolmentHandlers extends grpc.UntypedServiceImplementation {
  Attest: grpc.handleUnaryCall<_blazon_v1_AttestRequest__Output, _blazon_v1_AttestResponse>;
  
  Challenge: grpc.handleUnaryCall<_blazon_v1_ChallengeRequest__Output, _blazon_v1_ChallengeResponse>;
  
  ClaimAdministrator: grpc.handleUnaryCall<_blazon_v1_ClaimAdministratorRequest__Output, _blazon_v1_ClaimAdministratorResponse>;
  
}

export interface EnrolmentDefinition extends grpc.ServiceDefinition {
  Attest: MethodDefinition<_blazon_v1_AttestRequest, _blazon_v1_AttestResponse, _blazon_v1_AttestRequest__Output, _blazon_v1_AttestResponse__Output>
  Challenge: MethodDefinition<_blazon_v1_ChallengeRequest, _blazon_v1_ChallengeResponse, _blazon_v1_ChallengeRequest__Output, _blazon_v1_ChallengeResponse__Output>
  ClaimAdministrator: MethodDefinition<_blazon_v1_ClaimAdministratorRequest, _blazon_v1_ClaimAdministratorResponse, _blazon_v1_ClaimAdministratorRequest__Output, _blazon_v1_ClaimAdministratorResponse__Output>
}
