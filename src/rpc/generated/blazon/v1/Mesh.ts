// Original file: proto/blazon/v1/mesh.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { FlowReport as _blazon_v1_FlowReport, FlowReport__Output as _blazon_v1_FlowReport__Output } from '../../blazon/v1/FlowReport.ts';
import type { FlowReportAck as _blazon_v1_FlowReportAck, FlowReportAck__Output as _blazon_v1_FlowReportAck__Output } from '../../blazon/v1/FlowReportAck.ts';
import type { IssueJwtRequest as _blazon_v1_IssueJwtRequest, IssueJwtRequest__Output as _blazon_v1_IssueJwtRequest__Output } from '../../blazon/v1/IssueJwtRequest.ts';
import type { IssueJwtResponse as _blazon_v1_IssueJwtResponse, IssueJwtResponse__Output as _blazon_v1_IssueJwtResponse__Output } from '../../blazon/v1/IssueJwtResponse.ts';
import type { IssueWorkloadTokenRequest as _blazon_v1_IssueWorkloadTokenRequest, IssueWorkloadTokenRequest__Output as _blazon_v1_IssueWorkloadTokenRequest__Output } from '../../blazon/v1/IssueWorkloadTokenRequest.ts';
import type { IssueWorkloadTokenResponse as _blazon_v1_IssueWorkloadTokenResponse, IssueWorkloadTokenResponse__Output as _blazon_v1_IssueWorkloadTokenResponse__Output } from '../../blazon/v1/IssueWorkloadTokenResponse.ts';
import type { RenewRequest as _blazon_v1_RenewRequest, RenewRequest__Output as _blazon_v1_RenewRequest__Output } from '../../blazon/v1/RenewRequest.ts';
import type { RenewResponse as _blazon_v1_RenewResponse, RenewResponse__Output as _blazon_v1_RenewResponse__Output } from '../../blazon/v1/RenewResponse.ts';
import type { WatchRequest as _blazon_v1_WatchRequest, WatchRequest__Output as _blazon_v1_WatchRequest__Output } from '../../blazon/v1/WatchRequest.ts';
import type { WatchUpdate as _blazon_v1_WatchUpdate, WatchUpdate__Output as _blazon_v1_WatchUpdate__Output } from '../../blazon/v1/WatchUpdate.ts';

export interface MeshClient extends grpc.Client {
  IssueJwt(argument: _blazon_v1_IssueJwtRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_IssueJwtResponse__Output>): grpc.ClientUnaryCall;
  IssueJwt(argument: _blazon_v1_IssueJwtRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_blazon_v1_IssueJwtResponse__Output>): grpc.ClientUnaryCall;
  IssueJwt(argument: _blazon_v1_IssueJwtRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_IssueJwtResponse__Output>): grpc.ClientUnaryCall;
  IssueJwt(argument: _blazon_v1_IssueJwtRequest, callback: grpc.requestCallback<_blazon_v1_IssueJwtResponse__Output>): grpc.ClientUnaryCall;
  issueJwt(argument: _blazon_v1_IssueJwtRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_IssueJwtResponse__Output>): grpc.ClientUnaryCall;
  issueJwt(argument: _blazon_v1_IssueJwtRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_blazon_v1_IssueJwtResponse__Output>): grpc.ClientUnaryCall;
  issueJwt(argument: _blazon_v1_IssueJwtRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_IssueJwtResponse__Output>): grpc.ClientUnaryCall;
  issueJwt(argument: _blazon_v1_IssueJwtRequest, callback: grpc.requestCallback<_blazon_v1_IssueJwtResponse__Output>): grpc.ClientUnaryCall;
  
  IssueWorkloadToken(argument: _blazon_v1_IssueWorkloadTokenRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_IssueWorkloadTokenResponse__Output>): grpc.ClientUnaryCall;
  IssueWorkloadToken(argument: _blazon_v1_IssueWorkloadTokenRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_blazon_v1_IssueWorkloadTokenResponse__Output>): grpc.ClientUnaryCall;
  IssueWorkloadToken(argument: _blazon_v1_IssueWorkloadTokenRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_IssueWorkloadTokenResponse__Output>): grpc.ClientUnaryCall;
  IssueWorkloadToken(argument: _blazon_v1_IssueWorkloadTokenRequest, callback: grpc.requestCallback<_blazon_v1_IssueWorkloadTokenResponse__Output>): grpc.ClientUnaryCall;
  issueWorkloadToken(argument: _blazon_v1_IssueWorkloadTokenRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_IssueWorkloadTokenResponse__Output>): grpc.ClientUnaryCall;
  issueWorkloadToken(argument: _blazon_v1_IssueWorkloadTokenRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_blazon_v1_IssueWorkloadTokenResponse__Output>): grpc.ClientUnaryCall;
  issueWorkloadToken(argument: _blazon_v1_IssueWorkloadTokenRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_IssueWorkloadTokenResponse__Output>): grpc.ClientUnaryCall;
  issueWorkloadToken(argument: _blazon_v1_IssueWorkloadTokenRequest, callback: grpc.requestCallback<_blazon_v1_IssueWorkloadTokenResponse__Output>): grpc.ClientUnaryCall;
  
  Renew(argument: _blazon_v1_RenewRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_RenewResponse__Output>): grpc.ClientUnaryCall;
  Renew(argument: _blazon_v1_RenewRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_blazon_v1_RenewResponse__Output>): grpc.ClientUnaryCall;
  Renew(argument: _blazon_v1_RenewRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_RenewResponse__Output>): grpc.ClientUnaryCall;
  Renew(argument: _blazon_v1_RenewRequest, callback: grpc.requestCallback<_blazon_v1_RenewResponse__Output>): grpc.ClientUnaryCall;
  renew(argument: _blazon_v1_RenewRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_RenewResponse__Output>): grpc.ClientUnaryCall;
  renew(argument: _blazon_v1_RenewRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_blazon_v1_RenewResponse__Output>): grpc.ClientUnaryCall;
  renew(argument: _blazon_v1_RenewRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_RenewResponse__Output>): grpc.ClientUnaryCall;
  renew(argument: _blazon_v1_RenewRequest, callback: grpc.requestCallback<_blazon_v1_RenewResponse__Output>): grpc.ClientUnaryCall;
  
  ReportFlows(argument: _blazon_v1_FlowReport, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_FlowReportAck__Output>): grpc.ClientUnaryCall;
  ReportFlows(argument: _blazon_v1_FlowReport, metadata: grpc.Metadata, callback: grpc.requestCallback<_blazon_v1_FlowReportAck__Output>): grpc.ClientUnaryCall;
  ReportFlows(argument: _blazon_v1_FlowReport, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_FlowReportAck__Output>): grpc.ClientUnaryCall;
  ReportFlows(argument: _blazon_v1_FlowReport, callback: grpc.requestCallback<_blazon_v1_FlowReportAck__Output>): grpc.ClientUnaryCall;
  reportFlows(argument: _blazon_v1_FlowReport, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_FlowReportAck__Output>): grpc.ClientUnaryCall;
  reportFlows(argument: _blazon_v1_FlowReport, metadata: grpc.Metadata, callback: grpc.requestCallback<_blazon_v1_FlowReportAck__Output>): grpc.ClientUnaryCall;
  reportFlows(argument: _blazon_v1_FlowReport, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_FlowReportAck__Output>): grpc.ClientUnaryCall;
  reportFlows(argument: _blazon_v1_FlowReport, callback: grpc.requestCallback<_blazon_v1_FlowReportAck__Output>): grpc.ClientUnaryCall;
  
  Watch(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_blazon_v1_WatchRequest, _blazon_v1_WatchUpdate__Output>;
  Watch(options?: grpc.CallOptions): grpc.ClientDuplexStream<_blazon_v1_WatchRequest, _blazon_v1_WatchUpdate__Output>;
  watch(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_blazon_v1_WatchRequest, _blazon_v1_WatchUpdate__Output>;
  watch(options?: grpc.CallOptions): grpc.ClientDuplexStream<_blazon_v1_WatchRequest, _blazon_v1_WatchUpdate__Output>;
  
}

export interface MeshHandlers extends grpc.UntypedServiceImplementation {
  IssueJwt: grpc.handleUnaryCall<_blazon_v1_IssueJwtRequest__Output, _blazon_v1_IssueJwtResponse>;
  
  IssueWorkloadToken: grpc.handleUnaryCall<_blazon_v1_IssueWorkloadTokenRequest__Output, _blazon_v1_IssueWorkloadTokenResponse>;
  
  Renew: grpc.handleUnaryCall<_blazon_v1_RenewRequest__Output, _blazon_v1_RenewResponse>;
  
  ReportFlows: grpc.handleUnaryCall<_blazon_v1_FlowReport__Output, _blazon_v1_FlowReportAck>;
  
  Watch: grpc.handleBidiStreamingCall<_blazon_v1_WatchRequest__Output, _blazon_v1_WatchUpdate>;
  
}

export interface MeshDefinition extends grpc.ServiceDefinition {
  IssueJwt: MethodDefinition<_blazon_v1_IssueJwtRequest, _blazon_v1_IssueJwtResponse, _blazon_v1_IssueJwtRequest__Output, _blazon_v1_IssueJwtResponse__Output>
  IssueWorkloadToken: MethodDefinition<_blazon_v1_IssueWorkloadTokenRequest, _blazon_v1_IssueWorkloadTokenResponse, _blazon_v1_IssueWorkloadTokenRequest__Output, _blazon_v1_IssueWorkloadTokenResponse__Output>
  Renew: MethodDefinition<_blazon_v1_RenewRequest, _blazon_v1_RenewResponse, _blazon_v1_RenewRequest__Output, _blazon_v1_RenewResponse__Output>
  ReportFlows: MethodDefinition<_blazon_v1_FlowReport, _blazon_v1_FlowReportAck, _blazon_v1_FlowReport__Output, _blazon_v1_FlowReportAck__Output>
  Watch: MethodDefinition<_blazon_v1_WatchRequest, _blazon_v1_WatchUpdate, _blazon_v1_WatchRequest__Output, _blazon_v1_WatchUpdate__Output>
}
