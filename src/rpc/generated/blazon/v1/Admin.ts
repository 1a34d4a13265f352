// Original file: proto/blazon/v1/admin.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { ApplyRequest as _blazon_v1_ApplyRequest, ApplyRequest__Output as _blazon_v1_ApplyRequest__Output } from '../../blazon/v1/ApplyRequest.ts';
import type { ApplyResponse as _blazon_v1_ApplyResponse, ApplyResponse__Output as _blazon_v1_ApplyResponse__Output } from '../../blazon/v1/ApplyResponse.ts';
import type { AuditEntry as _blazon_v1_AuditEntry, AuditEntry__Output as _blazon_v1_AuditEntry__Output } from '../../blazon/v1/AuditEntry.ts';
import type { AuditHeadRequest as _blazon_v1_AuditHeadRequest, AuditHeadRequest__Output as _blazon_v1_AuditHeadRequest__Output } from '../../blazon/v1/AuditHeadRequest.ts';
import type { AuditHeadResponse as _blazon_v1_AuditHeadResponse, AuditHeadResponse__Output as _blazon_v1_AuditHeadResponse__Output } from '../../blazon/v1/AuditHeadResponse.ts';
import type { CreateJoinTokenRequest as _blazon_v1_CreateJoinTokenRequest, CreateJoinTokenRequest__Output as _blazon_v1_CreateJoinTokenRequest__Output } from '../../blazon/v1/CreateJoinTokenRequest.ts';
import type { CreateJoinTokenResponse as _blazon_v1_CreateJoinTokenResponse, CreateJoinTokenResponse__Output as _blazon_v1_CreateJoinTokenResponse__Output } from '../../blazon/v1/CreateJoinTokenResponse.ts';
import type { CreateSignInLinkRequest as _blazon_v1_CreateSignInLinkRequest, CreateSignInLinkRequest__Output as _blazon_v1_CreateSignInLinkRequest__Output } from '../../blazon/v1/CreateSignInLinkRequest.ts';
import type { CreateSignInLinkResponse as _blazon_v1_CreateSignInLinkResponse, CreateSignInLinkResponse__Output as _blazon_v1_CreateSignInLinkResponse__Output } from '../../blazon/v1/CreateSignInLinkResponse.ts';
import type { DeleteAccountRequest as _blazon_v1_DeleteAccountRequest, DeleteAccountRequest__Output as _blazon_v1_DeleteAccountRequest__Output } from '../../blazon/v1/DeleteAccountRequest.ts';
import type { DeleteAccountResponse as _blazon_v1_DeleteAccountResponse, DeleteAccountResponse__Output as _blazon_v1_DeleteAccountResponse__Output } from '../../blazon/v1/DeleteAccountResponse.ts';
import type { DeleteDocumentRequest as _blazon_v1_DeleteDocumentRequest, DeleteDocumentRequest__Output as _blazon_v1_DeleteDocumentRequest__Output } from '../../blazon/v1/DeleteDocumentRequest.ts';
import type { DeleteDocumentResponse as _blazon_v1_DeleteDocumentResponse, DeleteDocumentResponse__Output as _blazon_v1_DeleteDocumentResponse__Output } from '../../blazon/v1/DeleteDocumentResponse.ts';
import type { ExplainRequest as _blazon_v1_ExplainRequest, ExplainRequest__Output as _blazon_v1_ExplainRequest__Output } from '../../blazon/v1/ExplainRequest.ts';
import type { ExplainResponse as _blazon_v1_ExplainResponse, ExplainResponse__Output as _blazon_v1_ExplainResponse__Output } from '../../blazon/v1/ExplainResponse.ts';
import type { Flow as _blazon_v1_Flow, Flow__Output as _blazon_v1_Flow__Output } from '../../blazon/v1/Flow.ts';
import type { FollowFlowsRequest as _blazon_v1_FollowFlowsRequest, FollowFlowsRequest__Output as _blazon_v1_FollowFlowsRequest__Output } from '../../blazon/v1/FollowFlowsRequest.ts';
import type { GrantEnrolmentRequest as _blazon_v1_GrantEnrolmentRequest, GrantEnrolmentRequest__Output as _blazon_v1_GrantEnrolmentRequest__Output } from '../../blazon/v1/GrantEnrolmentRequest.ts';
import type { GrantEnrolmentResponse as _blazon_v1_GrantEnrolmentResponse, GrantEnrolmentResponse__Output as _blazon_v1_GrantEnrolmentResponse__Output } from '../../blazon/v1/GrantEnrolmentResponse.ts';
import type { ListAccountsRequest as _blazon_v1_ListAccountsRequest, ListAccountsRequest__Output as _blazon_v1_ListAccountsRequest__Output } from '../../blazon/v1/ListAccountsRequest.ts';
import type { ListAccountsResponse as _blazon_v1_ListAccountsResponse, ListAccountsResponse__Output as _blazon_v1_ListAccountsResponse__Output } from '../../blazon/v1/ListAccountsResponse.ts';
import type { ListDocumentsRequest as _blazon_v1_ListDocumentsRequest, ListDocumentsRequest__Output as _blazon_v1_ListDocumentsRequest__Output } from '../../blazon/v1/ListDocumentsRequest.ts';
import type { ListDocumentsResponse as _blazon_v1_ListDocumentsResponse, ListDocumentsResponse__Output as _blazon_v1_ListDocumentsResponse__Output } from '../../blazon/v1/ListDocumentsResponse.ts';
import type { ListFlowsRequest as _blazon_v1_ListFlowsRequest, ListFlowsRequest__Output as _blazon_v1_ListFlowsRequest__Output } from '../../blazon/v1/ListFlowsRequest.ts';
import type { ListFlowsResponse as _blazon_v1_ListFlowsResponse, ListFlowsResponse__Output as _blazon_v1_ListFlowsResponse__Output } from '../../blazon/v1/ListFlowsResponse.ts';
import type { ListHistoryRequest as _blazon_v1_ListHistoryRequest, ListHistoryRequest__Output as _blazon_v1_ListHistoryRequest__Output } from '../../blazon/v1/ListHistoryRequest.ts';
import type { ListHistoryResponse as _blazon_v1_ListHistoryResponse, ListHistoryResponse__Output as _blazon_v1_ListHistoryResponse__Output } from '../../blazon/v1/ListHistoryResponse.ts';
import type { ListIncidentsRequest as _blazon_v1_ListIncidentsRequest, ListIncidentsRequest__Output as _blazon_v1_ListIncidentsRequest__Output } from '../../blazon/v1/ListIncidentsRequest.ts';
import type { ListIncidentsResponse as _blazon_v1_ListIncidentsResponse, ListIncidentsResponse__Output as _blazon_v1_ListIncidentsResponse__Output } from '../../blazon/v1/ListIncidentsResponse.ts';
import type { ListNodesRequest as _blazon_v1_ListNodesRequest, ListNodesRequest__Output as _blazon_v1_ListNodesRequest__Output } from '../../blazon/v1/ListNodesRequest.ts';
import type { ListNodesResponse as _blazon_v1_ListNodesResponse, ListNodesResponse__Output as _blazon_v1_ListNodesResponse__Output } from '../../blazon/v1/ListNodesResponse.ts';
import type { ListWorkloadsRequest as _blazon_v1_ListWorkloadsRequest, ListWorkloadsRequest__Output as _blazon_v1_ListWorkloadsRequest__Output } from '../../blazon/v1/ListWorkloadsRequest.ts';
import type { ListWorkloadsResponse as _blazon_v1_ListWorkloadsResponse, ListWorkloadsResponse__Output as _blazon_v1_ListWorkloadsResponse__Output } from '../../blazon/v1/ListWorkloadsResponse.ts';
import type { PutAccountRequest as _blazon_v1_PutAccountRequest, PutAccountRequest__Output as _blazon_v1_PutAccountRequest__Output } from '../../blazon/v1/PutAccountRequest.ts';
import type { PutAccountResponse as _blazon_v1_PutAccountResponse, PutAccountResponse__Output as _blazon_v1_PutAccountResponse__Output } from '../../blazon/v1/PutAccountResponse.ts';
import type { ReadAuditRequest as _blazon_v1_ReadAuditRequest, ReadAuditRequest__Output as _blazon_v1_ReadAuditRequest__Output } from '../../blazon/v1/ReadAuditRequest.ts';
import type { RenewAdministratorRequest as _blazon_v1_RenewAdministratorRequest, RenewAdministratorRequest__Output as _blazon_v1_RenewAdministratorRequest__Output } from '../../blazon/v1/RenewAdministratorRequest.ts';
import type { RenewAdministratorResponse as _blazon_v1_RenewAdministratorResponse, RenewAdministratorResponse__Output as _blazon_v1_RenewAdministratorResponse__Output } from '../../blazon/v1/RenewAdministratorResponse.ts';
import type { ResolveIncidentRequest as _blazon_v1_ResolveIncidentRequest, ResolveIncidentRequest__Output as _blazon_v1_ResolveIncidentRequest__Output } from '../../blazon/v1/ResolveIncidentRequest.ts';
import type { ResolveIncidentResponse as _blazon_v1_ResolveIncidentResponse, ResolveIncidentResponse__Output as _blazon_v1_ResolveIncidentResponse__Output } from '../../blazon/v1/ResolveIncidentResponse.ts';
import type { RevokeWorkloadRequest as _blazon_v1_RevokeWorkloadRequest, RevokeWorkloadRequest__Output as _blazon_v1_RevokeWorkloadRequest__Output } from '../../blazon/v1/RevokeWorkloadRequest.ts';
import type { RevokeWorkloadResponse as _blazon_v1_RevokeWorkloadResponse, RevokeWorkloadResponse__Output as _blazon_v1_RevokeWorkloadResponse__Output } from '../../blazon/v1/RevokeWorkloadResponse.ts';
import type { RotateIssuerRequest as _blazon_v1_RotateIssuerRequest, RotateIssuerRequest__Output as _blazon_v1_RotateIssuerRequest__Output } from '../../blazon/v1/RotateIssuerRequest.ts';
import type { RotateIssuerResponse as _blazon_v1_RotateIssuerResponse, RotateIssuerResponse__Output as _blazon_v1_RotateIssuerResponse__Output } from '../../blazon/v1/RotateIssuerResponse.ts';
import type { SetLabelsRequest as _blazon_v1_SetLabelsRequest, SetLabelsRequest__Output as _blazon_v1_SetLabelsRequest__Output } from '../../blazon/v1/SetLabelsRequest.ts';
import type { SetLabelsResponse as _blazon_v1_SetLabelsResponse, SetLabelsResponse__Output as _blazon_v1_SetLabelsResponse__Output } from '../../blazon/v1/SetLabelsResponse.ts';
import type { StatusRequest as _blazon_v1_StatusRequest, StatusRequest__Output as _blazon_v1_StatusRequest__Output } from '../../blazon/v1/StatusRequest.ts';
import type { StatusResponse as _blazon_v1_StatusResponse, StatusResponse__Output as _blazon_v1_StatusResponse__Output } from '../../blazon/v1/StatusResponse.ts';
import type { TaintIssuerRequest as _blazon_v1_TaintIssuerRequest, TaintIssuerRequest__Output as _blazon_v1_TaintIssuerRequest__Output } from '../../blazon/v1/TaintIssuerRequest.ts';
import type { TaintIssuerResponse as _blazon_v1_TaintIssuerResponse, TaintIssuerResponse__Output as _blazon_v1_TaintIssuerResponse__Output } from '../../blazon/v1/TaintIssuerResponse.ts';

export interface AdminClient extends grpc.Client {
  Apply(argument: _blazon_v1_ApplyRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_ApplyResponse__Output>): grpc.ClientUnaryCall;
  Apply(argument: _blazon_v1_ApplyRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_blazon_v1_ApplyResponse__Output>): grpc.ClientUnaryCall;
  Apply(argument: _blazon_v1_ApplyRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_ApplyResponse__Output>): grpc.ClientUnaryCall;
  Apply(argument: _blazon_v1_ApplyRequest, callback: grpc.requestCallback<_blazon_v1_ApplyResponse__Output>): grpc.ClientUnaryCall;
  apply(argument: _blazon_v1_ApplyRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_ApplyResponse__Output>): grpc.ClientUnaryCall;
  apply(argument: _blazon_v1_ApplyRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_blazon_v1_ApplyResponse__Output>): grpc.ClientUnaryCall;
  apply(argument: _blazon_v1_ApplyRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_ApplyResponse__Output>): grpc.ClientUnaryCall;
  apply(argument: _blazon_v1_ApplyRequest, callback: grpc.requestCallback<_blazon_v1_ApplyResponse__Output>): grpc.ClientUnaryCall;
  
  AuditHead(argument: _blazon_v1_AuditHeadRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_AuditHeadResponse__Output>): grpc.ClientUnaryCall;
  AuditHead(argument: _blazon_v1_AuditHeadRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_blazon_v1_AuditHeadResponse__Output>): grpc.ClientUnaryCall;
  AuditHead(argument: _blazon_v1_AuditHeadRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_AuditHeadResponse__Output>): grpc.ClientUnaryCall;
  AuditHead(argument: _blazon_v1_AuditHeadRequest, callback: grpc.requestCallback<_blazon_v1_AuditHeadResponse__Output>): grpc.ClientUnaryCall;
  auditHead(argument: _blazon_v1_AuditHeadRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_AuditHeadResponse__Output>): grpc.ClientUnaryCall;
  auditHead(argument: _blazon_v1_AuditHeadRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_blazon_v1_AuditHeadResponse__Output>): grpc.ClientUnaryCall;
  auditHead(argument: _blazon_v1_AuditHeadRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_AuditHeadResponse__Output>): grpc.ClientUnaryCall;
  auditHead(argument: _blazon_v1_AuditHeadRequest, callback: grpc.requestCallback<_blazon_v1_AuditHeadResponse__Output>): grpc.ClientUnaryCall;
  
  CreateJoinToken(argument: _blazon_v1_CreateJoinTokenRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_CreateJoinTokenResponse__Output>): grpc.ClientUnaryCall;
  CreateJoinToken(argument: _blazon_v1_CreateJoinTokenRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_blazon_v1_CreateJoinTokenResponse__Output>): grpc.ClientUnaryCall;
  CreateJoinToken(argument: _blazon_v1_CreateJoinTokenRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_CreateJoinTokenResponse__Output>): grpc.ClientUnaryCall;
  CreateJoinToken(argument: _blazon_v1_CreateJoinTokenRequest, callback: grpc.requestCallback<_blazon_v1_CreateJoinTokenResponse__Output>): grpc.ClientUnaryCall;
  createJoinToken(argument: _blazon_v1_CreateJoinTokenRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_CreateJoinTokenResponse__Output>): grpc.ClientUnaryCall;
  createJoinToken(argument: _blazon_v1_CreateJoinTokenRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_blazon_v1_CreateJoinTokenResponse__Output>): grpc.ClientUnaryCall;
  createJoinToken(argument: _blazon_v1_CreateJoinTokenRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_CreateJoinTokenResponse__Output>): grpc.ClientUnaryCall;
  createJoinToken(argument: _blazon_v1_CreateJoinTokenRequest, callback: grpc.requestCallback<_blazon_v1_CreateJoinTokenResponse__Output>): grpc.ClientUnaryCall;
  
  CreateSignInLink(argument: _blazon_v1_CreateSignInLinkRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_CreateSignInLinkResponse__Output>): grpc.ClientUnaryCall;
  CreateSignInLink(argument: _blazon_v1_CreateSignInLinkRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_blazon_v1_CreateSignInLinkResponse__Output>): grpc.ClientUnaryCall;
  CreateSignInLink(argument: _blazon_v1_CreateSignInLinkRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_CreateSignInLinkResponse__Output>): grpc.ClientUnaryCall;
  CreateSignInLink(argument: _blazon_v1_CreateSignInLinkRequest, callback: grpc.requestCallback<_blazon_v1_CreateSignInLinkResponse__Output>): grpc.ClientUnaryCall;
  createSignInLink(argument: _blazon_v1_CreateSignInLinkRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_CreateSignInLinkResponse__Output>): grpc.ClientUnaryCall;
  createSignInLink(argument: _blazon_v1_CreateSignInLinkRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_blazon_v1_CreateSignInLinkResponse__Output>): grpc.ClientUnaryCall;
  createSignInLink(argument: _blazon_v1_CreateSignInLinkRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_CreateSignInLinkResponse__Output>): grpc.ClientUnaryCall;
  createSignInLink(argument: _blazon_v1_CreateSignInLinkRequest, callback: grpc.requestCallback<_blazon_v1_CreateSignInLinkResponse__Output>): grpc.ClientUnaryCall;
  
  DeleteAccount(argument: _blazon_v1_DeleteAccountRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_DeleteAccountResponse__Output>): grpc.ClientUnaryCall;
  DeleteAccount(argument: _blazon_v1_DeleteAccountRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_blazon_v1_DeleteAccountResponse__Output>): grpc.ClientUnaryCall;
  DeleteAccount(argument: _blazon_v1_DeleteAccountRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_DeleteAccountResponse__Output>): grpc.ClientUnaryCall;
  DeleteAccount(argument: _blazon_v1_DeleteAccountRequest, callback: grpc.requestCallback<_blazon_v1_DeleteAccountResponse__Output>): grpc.ClientUnaryCall;
  deleteAccount(argument: _blazon_v1_DeleteAccountRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_DeleteAccountResponse__Output>): grpc.ClientUnaryCall;
  deleteAccount(argument: _blazon_v1_DeleteAccountRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_blazon_v1_DeleteAccountResponse__Output>): grpc.ClientUnaryCall;
  deleteAccount(argument: _blazon_v1_DeleteAccountRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_DeleteAccountResponse__Output>): grpc.ClientUnaryCall;
  deleteAccount(argument: _blazon_v1_DeleteAccountRequest, callback: grpc.requestCallback<_blazon_v1_DeleteAccountResponse__Output>): grpc.ClientUnaryCall;
  
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
  
  GrantEnrolment(argument: _blazon_v1_GrantEnrolmentRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_GrantEnrolmentResponse__Output>): grpc.ClientUnaryCall;
  GrantEnrolment(argument: _blazon_v1_GrantEnrolmentRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_blazon_v1_GrantEnrolmentResponse__Output>): grpc.ClientUnaryCall;
  GrantEnrolment(argument: _blazon_v1_GrantEnrolmentRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_GrantEnrolmentResponse__Output>): grpc.ClientUnaryCall;
  GrantEnrolment(argument: _blazon_v1_GrantEnrolmentRequest, callback: grpc.requestCallback<_blazon_v1_GrantEnrolmentResponse__Output>): grpc.ClientUnaryCall;
  grantEnrolment(argument: _blazon_v1_GrantEnrolmentRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_GrantEnrolmentResponse__Output>): grpc.ClientUnaryCall;
  grantEnrolment(argument: _blazon_v1_GrantEnrolmentRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_blazon_v1_GrantEnrolmentResponse__Output>): grpc.ClientUnaryCall;
  grantEnrolment(argument: _blazon_v1_GrantEnrolmentRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_GrantEnrolmentResponse__Output>): grpc.ClientUnaryCall;
  grantEnrolment(argument: _blazon_v1_GrantEnrolmentRequest, callback: grpc.requestCallback<_blazon_v1_GrantEnrolmentResponse__Output>): grpc.ClientUnaryCall;
  
  ListAccounts(argument: _blazon_v1_ListAccountsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_ListAccountsResponse__Output>): grpc.ClientUnaryCall;
  ListAccounts(argument: _blazon_v1_ListAccountsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_blazon_v1_ListAccountsResponse__Output>): grpc.ClientUnaryCall;
  ListAccounts(argument: _blazon_v1_ListAccountsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_ListAccountsResponse__Output>): grpc.ClientUnaryCall;
  ListAccounts(argument: _blazon_v1_ListAccountsRequest, callback: grpc.requestCallback<_blazon_v1_ListAccountsResponse__Output>): grpc.ClientUnaryCall;
  listAccounts(argument: _blazon_v1_ListAccountsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_ListAccountsResponse__Output>): grpc.ClientUnaryCall;
  listAccounts(argument: _blazon_v1_ListAccountsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_blazon_v1_ListAccountsResponse__Output>): grpc.ClientUnaryCall;
  listAccounts(argument: _blazon_v1_ListAccountsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_ListAccountsResponse__Output>): grpc.ClientUnaryCall;
  listAccounts(argument: _blazon_v1_ListAccountsRequest, callback: grpc.requestCallback<_blazon_v1_ListAccountsResponse__Output>): grpc.ClientUnaryCall;
  
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
  
  ListHistory(argument: _blazon_v1_ListHistoryRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_ListHistoryResponse__Output>): grpc.ClientUnaryCall;
  ListHistory(argument: _blazon_v1_ListHistoryRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_blazon_v1_ListHistoryResponse__Output>): grpc.ClientUnaryCall;
  ListHistory(argument: _blazon_v1_ListHistoryRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_ListHistoryResponse__Output>): grpc.ClientUnaryCall;
  ListHistory(argument: _blazon_v1_ListHistoryRequest, callback: grpc.requestCallback<_blazon_v1_ListHistoryResponse__Output>): grpc.ClientUnaryCall;
  listHistory(argument: _blazon_v1_ListHistoryRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_ListHistoryResponse__Output>): grpc.ClientUnaryCall;
  listHistory(argument: _blazon_v1_ListHistoryRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_blazon_v1_ListHistoryResponse__Output>): grpc.ClientUnaryCall;
  listHistory(argument: _blazon_v1_ListHistoryRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_ListHistoryResponse__Output>): grpc.ClientUnaryCall;
  listHistory(argument: _blazon_v1_ListHistoryRequest, callback: grpc.requestCallback<_blazon_v1_ListHistoryResponse__Output>): grpc.ClientUnaryCall;
  
  ListIncidents(argument: _blazon_v1_ListIncidentsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_ListIncidentsResponse__Output>): grpc.ClientUnaryCall;
  ListIncidents(argument: _blazon_v1_ListIncidentsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_blazon_v1_ListIncidentsResponse__Output>): grpc.ClientUnaryCall;
  ListIncidents(argument: _blazon_v1_ListIncidentsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_ListIncidentsResponse__Output>): grpc.ClientUnaryCall;
  ListIncidents(argument: _blazon_v1_ListIncidentsRequest, callback: grpc.requestCallback<_blazon_v1_ListIncidentsResponse__Output>): grpc.ClientUnaryCall;
  listIncidents(argument: _blazon_v1_ListIncidentsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_ListIncidentsResponse__Output>): grpc.ClientUnaryCall;
  listIncidents(argument: _blazon_v1_ListIncidentsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_blazon_v1_ListIncidentsResponse__Output>): grpc.ClientUnaryCall;
  listIncidents(argument: _blazon_v1_ListIncidentsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_ListIncidentsResponse__Output>): grpc.ClientUnaryCall;
  listIncidents(argument: _blazon_v1_ListIncidentsRequest, callback: grpc.requestCallback<_blazon_v1_ListIncidentsResponse__Output>): grpc.ClientUnaryCall;
  
  ListNodes(argument: _blazon_v1_ListNodesRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_ListNodesResponse__Output>): grpc.ClientUnaryCall;
  ListNodes(argument: _blazon_v1_ListNodesRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_blazon_v1_ListNodesResponse__Output>): grpc.ClientUnaryCall;
  ListNodes(argument: _blazon_v1_ListNodesRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_ListNodesResponse__Output>): grpc.ClientUnaryCall;
  ListNodes(argument: _blazon_v1_ListNodesRequest, callback: grpc.requestCallback<_blazon_v1_ListNodesResponse__Output>): grpc.ClientUnaryCall;
  listNodes(argument: _blazon_v1_ListNodesRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_ListNodesResponse__Output>): grpc.ClientUnaryCall;
  listNodes(argument: _blazon_v1_ListNodesRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_blazon_v1_ListNodesResponse__Output>): grpc.ClientUnaryCall;
  listNodes(argument: _blazon_v1_ListNodesRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_ListNodesResponse__Output>): grpc.ClientUnaryCall;
  listNodes(argument: _blazon_v1_ListNodesRequest, callback: grpc.requestCallback<_blazon_v1_ListNodesResponse__Output>): grpc.ClientUnaryCall;
  
  ListWorkloads(argument: _blazon_v1_ListWorkloadsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_ListWorkloadsResponse__Output>): grpc.ClientUnaryCall;
  ListWorkloads(argument: _blazon_v1_ListWorkloadsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_blazon_v1_ListWorkloadsResponse__Output>): grpc.ClientUnaryCall;
  ListWorkloads(argument: _blazon_v1_ListWorkloadsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_ListWorkloadsResponse__Output>): grpc.ClientUnaryCall;
  ListWorkloads(argument: _blazon_v1_ListWorkloadsRequest, callback: grpc.requestCallback<_blazon_v1_ListWorkloadsResponse__Output>): grpc.ClientUnaryCall;
  listWorkloads(argument: _blazon_v1_ListWorkloadsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_ListWorkloadsResponse__Output>): grpc.ClientUnaryCall;
  listWorkloads(argument: _blazon_v1_ListWorkloadsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_blazon_v1_ListWorkloadsResponse__Output>): grpc.ClientUnaryCall;
  listWorkloads(argument: _blazon_v1_ListWorkloadsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_ListWorkloadsResponse__Output>): grpc.ClientUnaryCall;
  listWorkloads(argument: _blazon_v1_ListWorkloadsRequest, callback: grpc.requestCallback<_blazon_v1_ListWorkloadsResponse__Output>): grpc.ClientUnaryCall;
  
  PutAccount(argument: _blazon_v1_PutAccountRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_PutAccountResponse__Output>): grpc.ClientUnaryCall;
  PutAccount(argument: _blazon_v1_PutAccountRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_blazon_v1_PutAccountResponse__Output>): grpc.ClientUnaryCall;
  PutAccount(argument: _blazon_v1_PutAccountRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_PutAccountResponse__Output>): grpc.ClientUnaryCall;
  PutAccount(argument: _blazon_v1_PutAccountRequest, callback: grpc.requestCallback<_blazon_v1_PutAccountResponse__Output>): grpc.ClientUnaryCall;
  putAccount(argument: _blazon_v1_PutAccountRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_PutAccountResponse__Output>): grpc.ClientUnaryCall;
  putAccount(argument: _blazon_v1_PutAccountRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_blazon_v1_PutAccountResponse__Output>): grpc.ClientUnaryCall;
  putAccount(argument: _blazon_v1_PutAccountRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_PutAccountResponse__Output>): grpc.ClientUnaryCall;
  putAccount(argument: _blazon_v1_PutAccountRequest, callback: grpc.requestCallback<_blazon_v1_PutAccountResponse__Output>): grpc.ClientUnaryCall;
  
  ReadAudit(argument: _blazon_v1_ReadAuditRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_blazon_v1_AuditEntry__Output>;
  ReadAudit(argument: _blazon_v1_ReadAuditRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_blazon_v1_AuditEntry__Output>;
  readAudit(argument: _blazon_v1_ReadAuditRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_blazon_v1_AuditEntry__Output>;
  readAudit(argument: _blazon_v1_ReadAuditRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_blazon_v1_AuditEntry__Output>;
  
  RenewAdministrator(argument: _blazon_v1_RenewAdministratorRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_RenewAdministratorResponse__Output>): grpc.ClientUnaryCall;
  RenewAdministrator(argument: _blazon_v1_RenewAdministratorRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_blazon_v1_RenewAdministratorResponse__Output>): grpc.ClientUnaryCall;
  RenewAdministrator(argument: _blazon_v1_RenewAdministratorRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_RenewAdministratorResponse__Output>): grpc.ClientUnaryCall;
  RenewAdministrator(argument: _blazon_v1_RenewAdministratorRequest, callback: grpc.requestCallback<_blazon_v1_RenewAdministratorResponse__Output>): grpc.ClientUnaryCall;
  renewAdministrator(argument: _blazon_v1_RenewAdministratorRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_RenewAdministratorResponse__Output>): grpc.ClientUnaryCall;
  renewAdministrator(argument: _blazon_v1_RenewAdministratorRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_blazon_v1_RenewAdministratorResponse__Output>): grpc.ClientUnaryCall;
  renewAdministrator(argument: _blazon_v1_RenewAdministratorRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_RenewAdministratorResponse__Output>): grpc.ClientUnaryCall;
  renewAdministrator(argument: _blazon_v1_RenewAdministratorRequest, callback: grpc.requestCallback<_blazon_v1_RenewAdministratorResponse__Output>): grpc.ClientUnaryCall;
  
  ResolveIncident(argument: _blazon_v1_ResolveIncidentRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_ResolveIncidentResponse__Output>): grpc.ClientUnaryCall;
  ResolveIncident(argument: _blazon_v1_ResolveIncidentRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_blazon_v1_ResolveIncidentResponse__Output>): grpc.ClientUnaryCall;
  ResolveIncident(argument: _blazon_v1_ResolveIncidentRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_ResolveIncidentResponse__Output>): grpc.ClientUnaryCall;
  ResolveIncident(argument: _blazon_v1_ResolveIncidentRequest, callback: grpc.requestCallback<_blazon_v1_ResolveIncidentResponse__Output>): grpc.ClientUnaryCall;
  resolveIncident(argument: _blazon_v1_ResolveIncidentRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_ResolveIncidentResponse__Output>): grpc.ClientUnaryCall;
  resolveIncident(argument: _blazon_v1_ResolveIncidentRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_blazon_v1_ResolveIncidentResponse__Output>): grpc.ClientUnaryCall;
  resolveIncident(argument: _blazon_v1_ResolveIncidentRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_ResolveIncidentResponse__Output>): grpc.ClientUnaryCall;
  resolveIncident(argument: _blazon_v1_ResolveIncidentRequest, callback: grpc.requestCallback<_blazon_v1_ResolveIncidentResponse__Output>): grpc.ClientUnaryCall;
  
  RevokeWorkload(argument: _blazon_v1_RevokeWorkloadRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_RevokeWorkloadResponse__Output>): grpc.ClientUnaryCall;
  RevokeWorkload(argument: _blazon_v1_RevokeWorkloadRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_blazon_v1_RevokeWorkloadResponse__Output>): grpc.ClientUnaryCall;
  RevokeWorkload(argument: _blazon_v1_RevokeWorkloadRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_RevokeWorkloadResponse__Output>): grpc.ClientUnaryCall;
  RevokeWorkload(argument: _blazon_v1_RevokeWorkloadRequest, callback: grpc.requestCallback<_blazon_v1_RevokeWorkloadResponse__Output>): grpc.ClientUnaryCall;
  revokeWorkload(argument: _blazon_v1_RevokeWorkloadRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_RevokeWorkloadResponse__Output>): grpc.ClientUnaryCall;
  revokeWorkload(argument: _blazon_v1_RevokeWorkloadRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_blazon_v1_RevokeWorkloadResponse__Output>): grpc.ClientUnaryCall;
  revokeWorkload(argument: _blazon_v1_RevokeWorkloadRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_RevokeWorkloadResponse__Output>): grpc.ClientUnaryCall;
  revokeWorkload(argument: _blazon_v1_RevokeWorkloadRequest, callback: grpc.requestCallback<_blazon_v1_RevokeWorkloadResponse__Output>): grpc.ClientUnaryCall;
  
  RotateIssuer(argument: _blazon_v1_RotateIssuerRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_RotateIssuerResponse__Output>): grpc.ClientUnaryCall;
  RotateIssuer(argument: _blazon_v1_RotateIssuerRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_blazon_v1_RotateIssuerResponse__Output>): grpc.ClientUnaryCall;
  RotateIssuer(argument: _blazon_v1_RotateIssuerRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_RotateIssuerResponse__Output>): grpc.ClientUnaryCall;
  RotateIssuer(argument: _blazon_v1_RotateIssuerRequest, callback: grpc.requestCallback<_blazon_v1_RotateIssuerResponse__Output>): grpc.ClientUnaryCall;
  rotateIssuer(argument: _blazon_v1_RotateIssuerRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_RotateIssuerResponse__Output>): grpc.ClientUnaryCall;
  rotateIssuer(argument: _blazon_v1_RotateIssuerRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_blazon_v1_RotateIssuerResponse__Output>): grpc.ClientUnaryCall;
  rotateIssuer(argument: _blazon_v1_RotateIssuerRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_RotateIssuerResponse__Output>): grpc.ClientUnaryCall;
  rotateIssuer(argument: _blazon_v1_RotateIssuerRequest, callback: grpc.requestCallback<_blazon_v1_RotateIssuerResponse__Output>): grpc.ClientUnaryCall;
  
  SetLabels(argument: _blazon_v1_SetLabelsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_SetLabelsResponse__Output>): grpc.ClientUnaryCall;
  SetLabels(argument: _blazon_v1_SetLabelsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_blazon_v1_SetLabelsResponse__Output>): grpc.ClientUnaryCall;
  SetLabels(argument: _blazon_v1_SetLabelsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_SetLabelsResponse__Output>): grpc.ClientUnaryCall;
  SetLabels(argument: _blazon_v1_SetLabelsRequest, callback: grpc.requestCallback<_blazon_v1_SetLabelsResponse__Output>): grpc.ClientUnaryCall;
  setLabels(argument: _blazon_v1_SetLabelsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_SetLabelsResponse__Output>): grpc.ClientUnaryCall;
  setLabels(argument: _blazon_v1_SetLabelsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_blazon_v1_SetLabelsResponse__Output>): grpc.ClientUnaryCall;
  setLabels(argument: _blazon_v1_SetLabelsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_SetLabelsResponse__Output>): grpc.ClientUnaryCall;
  setLabels(argument: _blazon_v1_SetLabelsRequest, callback: grpc.requestCallback<_blazon_v1_SetLabelsResponse__Output>): grpc.ClientUnaryCall;
  
  Status(argument: _blazon_v1_StatusRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_StatusResponse__Output>): grpc.ClientUnaryCall;
  Status(argument: _blazon_v1_StatusRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_blazon_v1_StatusResponse__Output>): grpc.ClientUnaryCall;
  Status(argument: _blazon_v1_StatusRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_StatusResponse__Output>): grpc.ClientUnaryCall;
  Status(argument: _blazon_v1_StatusRequest, callback: grpc.requestCallback<_blazon_v1_StatusResponse__Output>): grpc.ClientUnaryCall;
  status(argument: _blazon_v1_StatusRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_StatusResponse__Output>): grpc.ClientUnaryCall;
  status(argument: _blazon_v1_StatusRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_blazon_v1_StatusResponse__Output>): grpc.ClientUnaryCall;
  status(argument: _blazon_v1_StatusRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_StatusResponse__Output>): grpc.ClientUnaryCall;
  status(argument: _blazon_v1_StatusRequest, callback: grpc.requestCallback<_blazon_v1_StatusResponse__Output>): grpc.ClientUnaryCall;
  
  TaintIssuer(argument: _blazon_v1_TaintIssuerRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_TaintIssuerResponse__Output>): grpc.ClientUnaryCall;
  TaintIssuer(argument: _blazon_v1_TaintIssuerRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_blazon_v1_TaintIssuerResponse__Output>): grpc.ClientUnaryCall;
  TaintIssuer(argument: _blazon_v1_TaintIssuerRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_TaintIssuerResponse__Output>): grpc.ClientUnaryCall;
  TaintIssuer(argument: _blazon_v1_TaintIssuerRequest, callback: grpc.requestCallback<_blazon_v1_TaintIssuerResponse__Output>): grpc.ClientUnaryCall;
  taintIssuer(argument: _blazon_v1_TaintIssuerRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_TaintIssuerResponse__Output>): grpc.ClientUnaryCall;
  taintIssuer(argument: _blazon_v1_TaintIssuerRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_blazon_v1_TaintIssuerResponse__Output>): grpc.ClientUnaryCall;
  taintIssuer(argument: _blazon_v1_TaintIssuerRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_blazon_v1_TaintIssuerResponse__Output>): grpc.ClientUnaryCall;
  taintIssuer(argument: _blazon_v1_TaintIssuerRequest, callback: grpc.requestCallback<_blazon_v1_TaintIssuerResponse__Output>): grpc.ClientUnaryCall;
  
}

export interface AdminHandlers extends grpc.UntypedServiceImplementation {
  Apply: grpc.handleUnaryCall<_blazon_v1_ApplyRequest__Output, _blazon_v1_ApplyResponse>;
  
  AuditHead: grpc.handleUnaryCall<_blazon_v1_AuditHeadRequest__Output, _blazon_v1_AuditHeadResponse>;
  
  CreateJoinToken: grpc.handleUnaryCall<_blazon_v1_CreateJoinTokenRequest__Output, _blazon_v1_CreateJoinTokenResponse>;
  
  CreateSignInLink: grpc.handleUnaryCall<_blazon_v1_CreateSignInLinkRequest__Output, _blazon_v1_CreateSignInLinkResponse>;
  
  DeleteAccount: grpc.handleUnaryCall<_blazon_v1_DeleteAccountRequest__Output, _blazon_v1_DeleteAccountResponse>;
  
  DeleteDocument: grpc.handleUnaryCall<_blazon_v1_DeleteDocumentRequest__Output, _blazon_v1_DeleteDocumentResponse>;
  
  Explain: grpc.handleUnaryCall<_blazon_v1_ExplainRequest__Output, _blazon_v1_ExplainResponse>;
  
  FollowFlows: grpc.handleServerStreamingCall<_blazon_v1_FollowFlowsRequest__Output, _blazon_v1_Flow>;
  
  GrantEnrolment: grpc.handleUnaryCall<_blazon_v1_GrantEnrolmentRequest__Output, _blazon_v1_GrantEnrolmentResponse>;
  
  ListAccounts: grpc.handleUnaryCall<_blazon_v1_ListAccountsRequest__Output, _blazon_v1_ListAccountsResponse>;
  
  ListDocuments: grpc.handleUnaryCall<_blazon_v1_ListDocumentsRequest__Output, _blazon_v1_ListDocumentsResponse>;
  
  ListFlows: grpc.handleUnaryCall<_blazon_v1_ListFlowsRequest__Output, _blazon_v1_ListFlowsResponse>;
  
  ListHistory: grpc.handleUnaryCall<_blazon_v1_ListHistoryRequest__Output, _blazon_v1_ListHistoryResponse>;
  
  ListIncidents: grpc.handleUnaryCall<_blazon_v1_ListIncidentsRequest__Output, _blazon_v1_ListIncidentsResponse>;
  
  ListNodes: grpc.handleUnaryCall<_blazon_v1_ListNodesRequest__Output, _blazon_v1_ListNodesResponse>;
  
  ListWorkloads: grpc.handleUnaryCall<_blazon_v1_ListWorkloadsRequest__Output, _blazon_v1_ListWorkloadsResponse>;
  
  PutAccount: grpc.handleUnaryCall<_blazon_v1_PutAccountRequest__Output, _blazon_v1_PutAccountResponse>;
  
  ReadAudit: grpc.handleServerStreamingCall<_blazon_v1_ReadAuditRequest__Output, _blazon_v1_AuditEntry>;
  
  RenewAdministrator: grpc.handleUnaryCall<_blazon_v1_RenewAdministratorRequest__Output, _blazon_v1_RenewAdministratorResponse>;
  
  ResolveIncident: grpc.handleUnaryCall<_blazon_v1_ResolveIncidentRequest__Output, _blazon_v1_ResolveIncidentResponse>;
  
  RevokeWorkload: grpc.handleUnaryCall<_blazon_v1_RevokeWorkloadRequest__Output, _blazon_v1_RevokeWorkloadResponse>;
  
  RotateIssuer: grpc.handleUnaryCall<_blazon_v1_RotateIssuerRequest__Output, _blazon_v1_RotateIssuerResponse>;
  
  SetLabels: grpc.handleUnaryCall<_blazon_v1_SetLabelsRequest__Output, _blazon_v1_SetLabelsResponse>;
  
  Status: grpc.handleUnaryCall<_blazon_v1_StatusRequest__Output, _blazon_v1_StatusResponse>;
  
  TaintIssuer: grpc.handleUnaryCall<_blazon_v1_TaintIssuerRequest__Output, _blazon_v1_TaintIssuerResponse>;
  
}

export interface AdminDefinition extends grpc.ServiceDefinition {
  Apply: MethodDefinition<_blazon_v1_ApplyRequest, _blazon_v1_ApplyResponse, _blazon_v1_ApplyRequest__Output, _blazon_v1_ApplyResponse__Output>
  AuditHead: MethodDefinition<_blazon_v1_AuditHeadRequest, _blazon_v1_AuditHeadResponse, _blazon_v1_AuditHeadRequest__Output, _blazon_v1_AuditHeadResponse__Output>
  CreateJoinToken: MethodDefinition<_blazon_v1_CreateJoinTokenRequest, _blazon_v1_CreateJoinTokenResponse, _blazon_v1_CreateJoinTokenRequest__Output, _blazon_v1_CreateJoinTokenResponse__Output>
  CreateSignInLink: MethodDefinition<_blazon_v1_CreateSignInLinkRequest, _blazon_v1_CreateSignInLinkResponse, _blazon_v1_CreateSignInLinkRequest__Output, _blazon_v1_CreateSignInLinkResponse__Output>
  DeleteAccount: MethodDefinition<_blazon_v1_DeleteAccountRequest, _blazon_v1_DeleteAccountResponse, _blazon_v1_DeleteAccountRequest__Output, _blazon_v1_DeleteAccountResponse__Output>
  DeleteDocument: MethodDefinition<_blazon_v1_DeleteDocumentRequest, _blazon_v1_DeleteDocumentResponse, _blazon_v1_DeleteDocumentRequest__Output, _blazon_v1_DeleteDocumentResponse__Output>
  Explain: MethodDefinition<_blazon_v1_ExplainRequest, _blazon_v1_ExplainResponse, _blazon_v1_ExplainRequest__Output, _blazon_v1_ExplainResponse__Output>
  FollowFlows: MethodDefinition<_blazon_v1_FollowFlowsRequest, _blazon_v1_Flow, _blazon_v1_FollowFlowsRequest__Output, _blazon_v1_Flow__Output>
  GrantEnrolment: MethodDefinition<_blazon_v1_GrantEnrolmentRequest, _blazon_v1_GrantEnrolmentResponse, _blazon_v1_GrantEnrolmentRequest__Output, _blazon_v1_GrantEnrolmentResponse__Output>
  ListAccounts: MethodDefinition<_blazon_v1_ListAccountsRequest, _blazon_v1_ListAccountsResponse, _blazon_v1_ListAccountsRequest__Output, _blazon_v1_ListAccountsResponse__Output>
  ListDocuments: MethodDefinition<_blazon_v1_ListDocumentsRequest, _blazon_v1_ListDocumentsResponse, _blazon_v1_ListDocumentsRequest__Output, _blazon_v1_ListDocumentsResponse__Output>
  ListFlows: MethodDefinition<_blazon_v1_ListFlowsRequest, _blazon_v1_ListFlowsResponse, _blazon_v1_ListFlowsRequest__Output, _blazon_v1_ListFlowsResponse__Output>
  ListHistory: MethodDefinition<_blazon_v1_ListHistoryRequest, _blazon_v1_ListHistoryResponse, _blazon_v1_ListHistoryRequest__Output, _blazon_v1_ListHistoryResponse__Output>
  ListIncidents: MethodDefinition<_blazon_v1_ListIncidentsRequest, _blazon_v1_ListIncidentsResponse, _blazon_v1_ListIncidentsRequest__Output, _blazon_v1_ListIncidentsResponse__Output>
  ListNodes: MethodDefinition<_blazon_v1_ListNodesRequest, _blazon_v1_ListNodesResponse, _blazon_v1_ListNodesRequest__Output, _blazon_v1_ListNodesResponse__Output>
  ListWorkloads: MethodDefinition<_blazon_v1_ListWorkloadsRequest, _blazon_v1_ListWorkloadsResponse, _blazon_v1_ListWorkloadsRequest__Output, _blazon_v1_ListWorkloadsResponse__Output>
  PutAccount: MethodDefinition<_blazon_v1_PutAccountRequest, _blazon_v1_PutAccountResponse, _blazon_v1_PutAccountRequest__Output, _blazon_v1_PutAccountResponse__Output>
  ReadAudit: MethodDefinition<_blazon_v1_ReadAuditRequest, _blazon_v1_AuditEntry, _blazon_v1_ReadAuditRequest__Output, _blazon_v1_AuditEntry__Output>
  RenewAdministrator: MethodDefinition<_blazon_v1_RenewAdministratorRequest, _blazon_v1_RenewAdministratorResponse, _blazon_v1_RenewAdministratorRequest__Output, _blazon_v1_RenewAdministratorResponse__Output>
  ResolveIncident: MethodDefinition<_blazon_v1_ResolveIncidentRequest, _blazon_v1_ResolveIncidentResponse, _blazon_v1_ResolveIncidentRequest__Output, _blazon_v1_ResolveIncidentResponse__Output>
  RevokeWorkload: MethodDefinition<_blazon_v1_RevokeWorkloadRequest, _blazon_v1_RevokeWorkloadResponse, _blazon_v1_RevokeWorkloadRequest__Output, _blazon_v1_RevokeWorkloadResponse__Output>
  RotateIssuer: MethodDefinition<_blazon_v1_RotateIssuerRequest, _blazon_v1_RotateIssuerResponse, _blazon_v1_RotateIssuerRequest__Output, _blazon_v1_RotateIssuerResponse__Output>
  SetLabels: MethodDefinition<_blazon_v1_SetLabelsRequest, _blazon_v1_SetLabelsResponse, _blazon_v1_SetLabelsRequest__Output, _blazon_v1_SetLabelsResponse__Output>
  Status: MethodDefinition<_blazon_v1_StatusRequest, _blazon_v1_StatusResponse, _blazon_v1_StatusRequest__Output, _blazon_v1_StatusResponse__Output>
  TaintIssuer: MethodDefinition<_blazon_v1_TaintIssuerRequest, _blazon_v1_TaintIssuerResponse, _blazon_v1_TaintIssuerRequest__Output, _blazon_v1_TaintIssuerResponse__Output>
}
