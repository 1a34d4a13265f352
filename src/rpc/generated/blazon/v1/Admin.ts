// Original file: proto/blazon/v1/admin.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { ApplyRequest as _blazon_v1_ApplyRequest, ApplyRequest__Output as _blazon_v1_ApplyRequest__Output } from '../../blazon/v1/ApplyRequest.ts';
import type { ApplyResponse as _blazon_v1_ApplyResponse, ApplyResponse__Output as _blazon_v1_ApplyResponse__Output } from '../../blazon/v1/ApplyResponse.ts';
import type { CreateJoinTokenRequest as _blazon_v1_CreateJoinTokenRequest, CreateJoinTokenRequest__Output as _blazon_v1_CreateJoinTokenRequest__Output } from '../../blazon/v1/CreateJoinTokenRequest.ts';
import type { CreateJoinTokenResponse as _blazon_v1_CreateJoinTokenResponse, CreateJoinTokenResponse__Output as _blazon_v1_CreateJoinTokenResponse__Output } from '../../blazon/v1/CreateJoinTokenResponse.ts';
import type { DeleteDocumentRequest as _blazon_v1_DeleteDocumentRequest, DeleteDocumentRequest__Output as _blazon_v1_DeleteDocumentRequest__Output } from '../../blazon/v1/DeleteDocumentRequest.ts';
import type { DeleteDocumentResponse as _blazon_v1_DeleteDocumentResponse, DeleteDocumentResponse__Output as _blazon_v1_DeleteDocumentResponse__Output } from '../../blazon/v1/DeleteDocumentResponse.ts';
import type { ExplainRequest as _blazon_v1_ExplainRequest, ExplainRequest__Output as _blazon_v1_ExplainRequest__Output } from '../../blazon/v1/ExplainRequest.ts';
import type { ExplainResponse as _blazon_v1_ExplainResponse, ExplainResponse__Output as _blazon_v1_ExplainResponse__Output } from '../../blazon/v1/ExplainResponse.ts';
import type { Flow as _blazon_v1_Flow, Flow__Output as _blazon_v1_Flow__Output } from '../../blazon/v1/Flow.ts';
import type { FollowFlowsRequest as _blazon_v1_FollowFlowsRequest, FollowFlowsRequest__Output as _blazon_v1_FollowFlowsRequest__Output } from '../../blazon/v1/FollowFlowsRequest.ts';
import type { ListDocumentsRequest as _blazon_v1_ListDocumentsRequest, ListDocumentsRequest__Output as _blazon_v1_ListDocumentsRequest__Output } from '../../blazon/v1/ListDocumentsRequest.ts';
import type { ListDocumentsResponse as _blazon_v1_ListDocumentsResponse, ListDocumentsResponse__Output as _blazon_v1_ListDocumentsResponse__Output } from '../../blazon/v1/ListDocumentsResponse.ts';
import type { ListFlowsRequest as _blazon_v1_ListFlowsRequest, ListFlowsRequest__Output as _blazon_v1_ListFlowsRequest__Output } from '../../blazon/v1/ListFlowsRequest.ts';
import type { ListFlowsResponse as _blazon_v1_ListFlowsResponse, ListFlowsResponse__Output as _blazon_v1_ListFlowsResponse__Output } from '../../blazon/v1/ListFlowsResponse.ts';
import type { ListWorkloadsRequest as _blazon_v1_ListWorkloadsRequest, ListWorkloadsRequest__Output as _blazon_v1_ListWorkloadsRequest__Output } from '../../blazon/v1/ListWorkloadsRequest.ts';
import type { ListWorkloadsResponse as _blazon_v1_ListWorkloadsResponse, ListWorkloadsResponse__Output as _blazon_v1_ListWorkloadsResponse__Output } from '../../blazon/v1/ListWorkloadsResponse.ts';
import type { RenewAdministratorRequest as _blazon_v1_RenewAdministratorRequest, RenewAdministratorRequest__Output as _blazon_v1_RenewAdministratorRequest__Output } from '../../blazon/v1/RenewAdministratorRequest.ts';
import type { RenewAdministratorResponse as _blazon_v1_RenewAdministratorResponse, RenewAdministratorResponse__Output as _blazon_v1_RenewAdministratorResponse__Output } from '../../blazon/v1/RenewAdministratorResponse.ts';
import type { RevokeWorkloadRequest as _blazon_v1_RevokeWorkloadRequest, RevokeWorkloadRequest__Output as _blazon_v1_RevokeWorkloadRequest__Output } from '../../blazon/v1/RevokeWorkloadRequest.ts';
import type { RevokeWorkloadResponse as _blazon_v1_RevokeWorkloadResponse, RevokeWorkloadResponse__Output as _blazon_v1_RevokeWorkloadResponse__Output } from '../../blazon/v1/RevokeWorkloadResponse.ts';
import type { StatusRequest as _blazon_v1_StatusRequest, StatusRequest__Output as _blazon_v1_StatusRequest__Output } from '../../blazon/v1/StatusRequest.ts';
import type { StatusResponse as _blazon_v1_StatusResponse, StatusResponse__Output as _blazon_v1_StatusResponse__Output } from '../../blazon/v1/StatusResponse.ts';

export interface AdminClient extends grpc.Client {
  Apply(argument: _blazon_v1_ApplyRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_ApplyResponse__Output>): grpc.ClientUnaryCall;
  Apply(argument: _blazon_v1_ApplyRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_blazon_v1_ApplyResponse__Output>): grpc.ClientUnaryCall;
  Apply(argument: _blazon_v1_ApplyRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_ApplyResponse__Output>): grpc.ClientUnaryCall;
  Apply(argument: _blazon_v1_ApplyRequest, callback: grpc.requestCallback<_blazon_v1_ApplyResponse__Output>): grpc.ClientUnaryCall;
  apply(argument: _blazon_v1_ApplyRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_ApplyResponse__Output>): grpc.ClientUnaryCall;
  apply(argument: _blazon_v1_ApplyRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_blazon_v1_ApplyResponse__Output>): grpc.ClientUnaryCall;
  apply(argument: _blazon_v1_ApplyRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_ApplyResponse__Output>): grpc.ClientUnaryCall;
  apply(argument: _blazon_v1_ApplyRequest, callback: grpc.requestCallback<_blazon_v1_ApplyResponse__Output>): grpc.ClientUnaryCall;
  
  CreateJoinToken(argument: _blazon_v1_CreateJoinTokenRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_CreateJoinTokenResponse__Output>): grpc.ClientUnaryCall;
  CreateJoinToken(argument: _blazon_v1_CreateJoinTokenRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_blazon_v1_CreateJoinTokenResponse__Output>): grpc.ClientUnaryCall;
  CreateJoinToken(argument: _blazon_v1_CreateJoinTokenRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_CreateJoinTokenResponse__Output>): grpc.ClientUnaryCall;
  CreateJoinToken(argument: _blazon_v1_CreateJoinTokenRequest, callback: grpc.requestCallback<_blazon_v1_CreateJoinTokenResponse__Output>): grpc.ClientUnaryCall;
  createJoinToken(argument: _blazon_v1_CreateJoinTokenRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_CreateJoinTokenResponse__Output>): grpc.ClientUnaryCall;
  createJoinToken(argument: _blazon_v1_CreateJoinTokenRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_blazon_v1_CreateJoinTokenResponse__Output>): grpc.ClientUnaryCall;
  createJoinToken(argument: _blazon_v1_CreateJoinTokenRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_CreateJoinTokenResponse__Output>): grpc.ClientUnaryCall;
  createJoinToken(argument: _blazon_v1_CreateJoinTokenRequest, callback: grpc.requestCallback<_blazon_v1_CreateJoinTokenResponse__Output>): grpc.ClientUnaryCall;
  
  DeleteDocument(argument: _blazon_v1_DeleteDocumentRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_DeleteDocumentResponse__Output>): grpc.ClientUnaryCall;
  DeleteDocument(argument: _blazon_v1_DeleteDocumentRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_blazon_v1_DeleteDocumentResponse__Output>): grpc.ClientUnaryCall;
  DeleteDocument(argument: _blazon_v1_DeleteDocumentRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_DeleteDocumentResponse__Output>): grpc.ClientUnaryCall;
  DeleteDocument(argument: _blazon_v1_DeleteDocumentRequest, callback: grpc.requestCallback<_blazon_v1_DeleteDocumentResponse__Output>): grpc.ClientUnaryCall;
  deleteDocument(argument: _blazon_v1_DeleteDocumentRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_DeleteDocumentResponse__Output>): grpc.ClientUnaryCall;
  deleteDocument(argument: _blazon_v1_DeleteDocumentRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_blazon_v1_DeleteDocumentResponse__Output>): grpc.ClientUnaryCall;
  deleteDocument(argument: _blazon_v1_DeleteDocumentRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_DeleteDocumentResponse__Output>): grpc.ClientUnaryCall;
  deleteDocument(argument: _blazon_v1_DeleteDocumentRequest, callback: grpc.requestCallback<_blazon_v1_DeleteDocumentResponse__Output>): grpc.ClientUnaryCall;
  
  Explain(argument: _blazon_v1_ExplainRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_ExplainResponse__Output>): grpc.ClientUnaryCall;
  Explain(argument: _blazon_v1_ExplainRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_blazon_v1_ExplainResponse__Output>): grpc.ClientUnaryCall;
  Explain(argument: _blazon_v1_ExplainRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_ExplainResponse__Output>): grpc.ClientUnaryCall;
  Explain(argument: _blazon_v1_ExplainRequest, callback: grpc.requestCallback<_blazon_v1_ExplainResponse__Output>): grpc.ClientUnaryCall;
  explain(argument: _blazon_v1_ExplainRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_ExplainResponse__Output>): grpc.ClientUnaryCall;
  explain(argument: _blazon_v1_ExplainRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_blazon_v1_ExplainResponse__Output>): grpc.ClientUnaryCall;
  explain(argument: _blazon_v1_ExplainRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_ExplainResponse__Output>): grpc.ClientUnaryCall;
  explain(argument: _blazon_v1_ExplainRequest, callback: grpc.requestCallback<_blazon_v1_ExplainResponse__Output>): grpc.ClientUnaryCall;
  
  FollowFlows(argument: _blazon_v1_FollowFlowsRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_blazon_v1_Flow__Output>;
  FollowFlows(argument: _blazon_v1_FollowFlowsRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_blazon_v1_Flow__Output>;
  followFlows(argument: _blazon_v1_FollowFlowsRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_blazon_v1_Flow__Output>;
  followFlows(argument: _blazon_v1_FollowFlowsRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_blazon_v1_Flow__Output>;
  
  ListDocuments(argument: _blazon_v1_ListDocumentsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_ListDocumentsResponse__Output>): grpc.ClientUnaryCall;
  ListDocuments(argument: _blazon_v1_ListDocumentsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_blazon_v1_ListDocumentsResponse__Output>): grpc.ClientUnaryCall;
  ListDocuments(argument: _blazon_v1_ListDocumentsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_ListDocumentsResponse__Output>): grpc.ClientUnaryCall;
  ListDocuments(argument: _blazon_v1_ListDocumentsRequest, callback: grpc.requestCallback<_blazon_v1_ListDocumentsResponse__Output>): grpc.ClientUnaryCall;
  listDocuments(argument: _blazon_v1_ListDocumentsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_ListDocumentsResponse__Output>): grpc.ClientUnaryCall;
  listDocuments(argument: _blazon_v1_ListDocumentsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_blazon_v1_ListDocumentsResponse__Output>): grpc.ClientUnaryCall;
  listDocuments(argument: _blazon_v1_ListDocumentsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_ListDocumentsResponse__Output>): grpc.ClientUnaryCall;
  listDocuments(argument: _blazon_v1_ListDocumentsRequest, callback: grpc.requestCallback<_blazon_v1_ListDocumentsResponse__Output>): grpc.ClientUnaryCall;
  
  ListFlows(argument: _blazon_v1_ListFlowsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_ListFlowsResponse__Output>): grpc.ClientUnaryCall;
  ListFlows(argument: _blazon_v1_ListFlowsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_blazon_v1_ListFlowsResponse__Output>): grpc.ClientUnaryCall;
  ListFlows(argument: _blazon_v1_ListFlowsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_ListFlowsResponse__Output>): grpc.ClientUnaryCall;
  ListFlows(argument: _blazon_v1_ListFlowsRequest, callback: grpc.requestCallback<_blazon_v1_ListFlowsResponse__Output>): grpc.ClientUnaryCall;
  listFlows(argument: _blazon_v1_ListFlowsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_ListFlowsResponse__Output>): grpc.ClientUnaryCall;
  listFlows(argument: _blazon_v1_ListFlowsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_blazon_v1_ListFlowsResponse__Output>): grpc.ClientUnaryCall;
  listFlows(argument: _blazon_v1_ListFlowsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_ListFlowsResponse__Output>): grpc.ClientUnaryCall;
  listFlows(argument: _blazon_v1_ListFlowsRequest, callback: grpc.requestCallback<_blazon_v1_ListFlowsResponse__Output>): grpc.ClientUnaryCall;
  
  ListWorkloads(argument: _blazon_v1_ListWorkloadsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_ListWorkloadsResponse__Output>): grpc.ClientUnaryCall;
  ListWorkloads(argument: _blazon_v1_ListWorkloadsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_blazon_v1_ListWorkloadsResponse__Output>): grpc.ClientUnaryCall;
  ListWorkloads(argument: _blazon_v1_ListWorkloadsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_ListWorkloadsResponse__Output>): grpc.ClientUnaryCall;
  ListWorkloads(argument: _blazon_v1_ListWorkloadsRequest, callback: grpc.requestCallback<_blazon_v1_ListWorkloadsResponse__Output>): grpc.ClientUnaryCall;
  listWorkloads(argument: _blazon_v1_ListWorkloadsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_ListWorkloadsResponse__Output>): grpc.ClientUnaryCall;
  listWorkloads(argument: _blazon_v1_ListWorkloadsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_blazon_v1_ListWorkloadsResponse__Output>): grpc.ClientUnaryCall;
  listWorkloads(argument: _blazon_v1_ListWorkloadsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_ListWorkloadsResponse__Output>): grpc.ClientUnaryCall;
  listWorkloads(argument: _blazon_v1_ListWorkloadsRequest, callback: grpc.requestCallback<_blazon_v1_ListWorkloadsResponse__Output>): grpc.ClientUnaryCall;
  
  RenewAdministrator(argument: _blazon_v1_RenewAdministratorRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_RenewAdministratorResponse__Output>): grpc.ClientUnaryCall;
  RenewAdministrator(argument: _blazon_v1_RenewAdministratorRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_blazon_v1_RenewAdministratorResponse__Output>): grpc.ClientUnaryCall;
  RenewAdministrator(argument: _blazon_v1_RenewAdministratorRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_RenewAdministratorResponse__Output>): grpc.ClientUnaryCall;
  RenewAdministrator(argument: _blazon_v1_RenewAdministratorRequest, callback: grpc.requestCallback<_blazon_v1_RenewAdministratorResponse__Output>): grpc.ClientUnaryCall;
  renewAdministrator(argument: _blazon_v1_RenewAdministratorRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_RenewAdministratorResponse__Output>): grpc.ClientUnaryCall;
  renewAdministrator(argument: _blazon_v1_RenewAdministratorRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_blazon_v1_RenewAdministratorResponse__Output>): grpc.ClientUnaryCall;
  renewAdministrator(argument: _blazon_v1_RenewAdministratorRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_RenewAdministratorResponse__Output>): grpc.ClientUnaryCall;
  renewAdministrator(argument: _blazon_v1_RenewAdministratorRequest, callback: grpc.requestCallback<_blazon_v1_RenewAdministratorResponse__Output>): grpc.ClientUnaryCall;
  
  RevokeWorkload(argument: _blazon_v1_RevokeWorkloadRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_RevokeWorkloadResponse__Output>): grpc.ClientUnaryCall;
  RevokeWorkload(argument: _blazon_v1_RevokeWorkloadRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_blazon_v1_RevokeWorkloadResponse__Output>): grpc.ClientUnaryCall;
  RevokeWorkload(argument: _blazon_v1_RevokeWorkloadRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_RevokeWorkloadResponse__Output>): grpc.ClientUnaryCall;
  RevokeWorkload(argument: _blazon_v1_RevokeWorkloadRequest, callback: grpc.requestCallback<_blazon_v1_RevokeWorkloadResponse__Output>): grpc.ClientUnaryCall;
  revokeWorkload(argument: _blazon_v1_RevokeWorkloadRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_RevokeWorkloadResponse__Output>): grpc.ClientUnaryCall;
  revokeWorkload(argument: _blazon_v1_RevokeWorkloadRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_blazon_v1_RevokeWorkloadResponse__Output>): grpc.ClientUnaryCall;
  revokeWorkload(argument: _blazon_v1_RevokeWorkloadRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_RevokeWorkloadResponse__Output>): grpc.ClientUnaryCall;
  revokeWorkload(argument: _blazon_v1_RevokeWorkloadRequest, callback: grpc.requestCallback<_blazon_v1_RevokeWorkloadResponse__Output>): grpc.ClientUnaryCall;
  
  Status(argument: _blazon_v1_StatusRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_StatusResponse__Output>): grpc.ClientUnaryCall;
  Status(argument: _blazon_v1_StatusRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_blazon_v1_StatusResponse__Output>): grpc.ClientUnaryCall;
  Status(argument: _blazon_v1_StatusRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_StatusResponse__Output>): grpc.ClientUnaryCall;
  Status(argument: _blazon_v1_StatusRequest, callback: grpc.requestCallback<_blazon_v1_StatusResponse__Output>): grpc.ClientUnaryCall;
  status(argument: _blazon_v1_StatusRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_StatusResponse__Output>): grpc.ClientUnaryCall;
  status(argument: _blazon_v1_StatusRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_blazon_v1_StatusResponse__Output>): grpc.ClientUnaryCall;
  status(argument: _blazon_v1_StatusRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_StatusResponse__Output>): grpc.ClientUnaryCall;
  status(argument: _blazon_v1_StatusRequest, callback: grpc.requestCallback<_blazon_v1_StatusResponse__Output>): grpc.ClientUnaryCall;
  
}

export interface AdminHandlers extends grpc.UntypedServiceImplementation {
  Apply: grpc.handleUnaryCall<_blazon_v1_ApplyRequest__Output, _blazon_v1_ApplyResponse>;
  
  CreateJoinToken: grpc.handleUnaryCall<_blazon_v1_CreateJoinTokenRequest__Output, _blazon_v1_CreateJoinTokenResponse>;
  
  DeleteDocument: grpc.handleUnaryCall<_blazon_v1_DeleteDocumentRequest__Output, _blazon_v1_DeleteDocumentResponse>;
  
  Explain: grpc.handleUnaryCall<_blazon_v1_ExplainRequest__Output, _blazon_v1_ExplainResponse>;
  
  FollowFlows: grpc.handleServerStreamingCall<_blazon_v1_FollowFlowsRequest__Output, _blazon_v1_Flow>;
  
  ListDocuments: grpc.handleUnaryCall<_blazon_v1_ListDocumentsRequest__Output, _blazon_v1_ListDocumentsResponse>;
  
  ListFlows: grpc.handleUnaryCall<_blazon_v1_ListFlowsRequest__Output, _blazon_v1_ListFlowsResponse>;
  
  ListWorkloads: grpc.handleUnaryCall<_blazon_v1_ListWorkloadsRequest__Output, _blazon_v1_ListWorkloadsResponse>;
  
  RenewAdministrator: grpc.handleUnaryCall<_blazon_v1_RenewAdministratorRequest__Output, _blazon_v1_RenewAdministratorResponse>;
  
  RevokeWorkload: grpc.handleUnaryCall<_blazon_v1_RevokeWorkloadRequest__Output, _blazon_v1_RevokeWorkloadResponse>;
  
  Status: grpc.handleUnaryCall<_blazon_v1_StatusRequest__Output, _blazon_v1_StatusResponse>;
  
}

export interface AdminDefinition extends grpc.ServiceDefinition {
  Apply: MethodDefinition<_blazon_v1_ApplyRequest, _blazon_v1_ApplyResponse, _blazon_v1_ApplyRequest__Output, _blazon_v1_ApplyResponse__Output>
  CreateJoinToken: MethodDefinition<_blazon_v1_CreateJoinTokenRequest, _blazon_v1_CreateJoinTokenResponse, _blazon_v1_CreateJoinTokenRequest__Output, _blazon_v1_CreateJoinTokenResponse__Output>
  DeleteDocument: MethodDefinition<_blazon_v1_DeleteDocumentRequest, _blazon_v1_DeleteDocumentResponse, _blazon_v1_DeleteDocumentRequest__Output, _blazon_v1_DeleteDocumentResponse__Output>
  Explain: MethodDefinition<_blazon_v1_ExplainRequest, _blazon_v1_ExplainResponse, _blazon_v1_ExplainRequest__Output, _blazon_v1_ExplainResponse__Output>
  FollowFlows: MethodDefinition<_blazon_v1_FollowFlowsRequest, _blazon_v1_Flow, _blazon_v1_FollowFlowsRequest__Output, _blazon_v1_Flow__Output>
  ListDocuments: MethodDefinition<_blazon_v1_ListDocumentsRequest, _blazon_v1_ListDocumentsResponse, _blazon_v1_ListDocumentsRequest__Output, _blazon_v1_ListDocumentsResponse__Output>
  ListFlows: MethodDefinition<_blazon_v1_ListFlowsRequest, _blazon_v1_ListFlowsResponse, _blazon_v1_ListFlowsRequest__Output, _blazon_v1_ListFlowsResponse__Output>
  ListWorkloads: MethodDefinition<_blazon_v1_ListWorkloadsRequest, _blazon_v1_ListWorkloadsResponse, _blazon_v1_ListWorkloadsRequest__Output, _blazon_v1_ListWorkloadsResponse__Output>
  RenewAdministrator: MethodDefinition<_blazon_v1_RenewAdministratorRequest, _blazon_v1_RenewAdministratorResponse, _blazon_v1_RenewAdministratorRequest__Output, _blazon_v1_RenewAdministratorResponse__Output>
  RevokeWorkload: MethodDefinition<_blazon_v1_RevokeWorkloadRequest, _blazon_v1_RevokeWorkloadResponse, _blazon_v1_RevokeWorkloadRequest__Output, _blazon_v1_RevokeWorkloadResponse__Output>
  Status: MethodDefinition<_blazon_v1_StatusRequest, _blazon_v1_StatusResponse, _blazon_v1_StatusRequest__Output, _blazon_v1_StatusResponse__Output>
}
