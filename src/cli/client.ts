import {
  Client,
  Metadata,
  status,
  type CallOptions,
  type ClientReadableStream,
  type ServiceError,
} from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import { formatHostPort, type HostPort } from '../base/env.ts'
import type { TrustBundle } from '../identity/bundle.ts'
import type { TrustDomain } from '../identity/spiffe-id.ts'
import type { ControllerTrust } from '../identity/verify-controller.ts'
import { adminService, enrolmentService } from '../rpc/index.ts'
import type { ApplyRequest } from '../rpc/generated/blazon/v1/ApplyRequest.ts'
import type { ApplyResponse__Output } from '../rpc/generated/blazon/v1/ApplyResponse.ts'
import type { ClaimAdministratorRequest } from '../rpc/generated/blazon/v1/ClaimAdministratorRequest.ts'
import type { ClaimAdministratorResponse__Output } from '../rpc/generated/blazon/v1/ClaimAdministratorResponse.ts'
import type { CreateJoinTokenRequest } from '../rpc/generated/blazon/v1/CreateJoinTokenRequest.ts'
import type { CreateJoinTokenResponse__Output } from '../rpc/generated/blazon/v1/CreateJoinTokenResponse.ts'
import type { DeleteDocumentRequest } from '../rpc/generated/blazon/v1/DeleteDocumentRequest.ts'
import type { DeleteDocumentResponse__Output } from '../rpc/generated/blazon/v1/DeleteDocumentResponse.ts'
import type { ExplainRequest } from '../rpc/generated/blazon/v1/ExplainRequest.ts'
import type { ExplainResponse__Output } from '../rpc/generated/blazon/v1/ExplainResponse.ts'
import type { AuditEntry__Output } from '../rpc/generated/blazon/v1/AuditEntry.ts'
import type { AuditHeadResponse__Output } from '../rpc/generated/blazon/v1/AuditHeadResponse.ts'
import type { CreateSignInLinkResponse__Output } from '../rpc/generated/blazon/v1/CreateSignInLinkResponse.ts'
import type { ListHistoryRequest } from '../rpc/generated/blazon/v1/ListHistoryRequest.ts'
import type { ListHistoryResponse__Output } from '../rpc/generated/blazon/v1/ListHistoryResponse.ts'
import type { ReadAuditRequest } from '../rpc/generated/blazon/v1/ReadAuditRequest.ts'
import type { RotateIssuerResponse__Output } from '../rpc/generated/blazon/v1/RotateIssuerResponse.ts'
import type { SetLabelsRequest } from '../rpc/generated/blazon/v1/SetLabelsRequest.ts'
import type { SetLabelsResponse__Output } from '../rpc/generated/blazon/v1/SetLabelsResponse.ts'
import type { TaintIssuerRequest } from '../rpc/generated/blazon/v1/TaintIssuerRequest.ts'
import type { TaintIssuerResponse__Output } from '../rpc/generated/blazon/v1/TaintIssuerResponse.ts'
import type { Flow__Output } from '../rpc/generated/blazon/v1/Flow.ts'
import type { FollowFlowsRequest } from '../rpc/generated/blazon/v1/FollowFlowsRequest.ts'
import type { ListDocumentsRequest } from '../rpc/generated/blazon/v1/ListDocumentsRequest.ts'
import type { ListDocumentsResponse__Output } from '../rpc/generated/blazon/v1/ListDocumentsResponse.ts'
import type { ListFlowsRequest } from '../rpc/generated/blazon/v1/ListFlowsRequest.ts'
import type { ListFlowsResponse__Output } from '../rpc/generated/blazon/v1/ListFlowsResponse.ts'
import type { ListWorkloadsRequest } from '../rpc/generated/blazon/v1/ListWorkloadsRequest.ts'
import type { ListWorkloadsResponse__Output } from '../rpc/generated/blazon/v1/ListWorkloadsResponse.ts'
import type { RenewAdministratorRequest } from '../rpc/generated/blazon/v1/RenewAdministratorRequest.ts'
import type { RenewAdministratorResponse__Output } from '../rpc/generated/blazon/v1/RenewAdministratorResponse.ts'
import type { RevokeWorkloadRequest } from '../rpc/generated/blazon/v1/RevokeWorkloadRequest.ts'
import type { RevokeWorkloadResponse__Output } from '../rpc/generated/blazon/v1/RevokeWorkloadResponse.ts'
import type { StatusResponse__Output } from '../rpc/generated/blazon/v1/StatusResponse.ts'
import type { ListNodesRequest } from '../rpc/generated/blazon/v1/ListNodesRequest.ts'
import type { ListNodesResponse__Output } from '../rpc/generated/blazon/v1/ListNodesResponse.ts'
import type { GrantEnrolmentRequest } from '../rpc/generated/blazon/v1/GrantEnrolmentRequest.ts'
import type { GrantEnrolmentResponse__Output } from '../rpc/generated/blazon/v1/GrantEnrolmentResponse.ts'
import type { ListAccountsResponse__Output } from '../rpc/generated/blazon/v1/ListAccountsResponse.ts'
import type { PutAccountRequest } from '../rpc/generated/blazon/v1/PutAccountRequest.ts'
import type { PutAccountResponse__Output } from '../rpc/generated/blazon/v1/PutAccountResponse.ts'
import type { DeleteAccountRequest } from '../rpc/generated/blazon/v1/DeleteAccountRequest.ts'
import type { DeleteAccountResponse__Output } from '../rpc/generated/blazon/v1/DeleteAccountResponse.ts'
import type { ListIncidentsRequest } from '../rpc/generated/blazon/v1/ListIncidentsRequest.ts'
import type { ListIncidentsResponse__Output } from '../rpc/generated/blazon/v1/ListIncidentsResponse.ts'
import type { ResolveIncidentRequest } from '../rpc/generated/blazon/v1/ResolveIncidentRequest.ts'
import type { ResolveIncidentResponse__Output } from '../rpc/generated/blazon/v1/ResolveIncidentResponse.ts'
import { callFailure } from './call-failure.ts'
import { createChannel, type Channel, type Credential } from './channel.ts'

/** The admin API as promises. Each call throws `CliError`, with the gRPC error as its cause. */
export interface AdminClient extends Disposable {
  status(): Promise<StatusResponse__Output>
  apply(request: ApplyRequest): Promise<ApplyResponse__Output>
  listDocuments(request: ListDocumentsRequest): Promise<ListDocumentsResponse__Output>
  deleteDocument(request: DeleteDocumentRequest): Promise<DeleteDocumentResponse__Output>
  explain(request: ExplainRequest): Promise<ExplainResponse__Output>
  listWorkloads(request: ListWorkloadsRequest): Promise<ListWorkloadsResponse__Output>
  revokeWorkload(request: RevokeWorkloadRequest): Promise<RevokeWorkloadResponse__Output>
  createJoinToken(request: CreateJoinTokenRequest): Promise<CreateJoinTokenResponse__Output>
  listFlows(request: ListFlowsRequest): Promise<ListFlowsResponse__Output>
  listNodes(request: ListNodesRequest): Promise<ListNodesResponse__Output>
  grantEnrolment(request: GrantEnrolmentRequest): Promise<GrantEnrolmentResponse__Output>
  listAccounts(): Promise<ListAccountsResponse__Output>
  putAccount(request: PutAccountRequest): Promise<PutAccountResponse__Output>
  deleteAccount(request: DeleteAccountRequest): Promise<DeleteAccountResponse__Output>
  listIncidents(request: ListIncidentsRequest): Promise<ListIncidentsResponse__Output>
  resolveIncident(request: ResolveIncidentRequest): Promise<ResolveIncidentResponse__Output>
  setLabels(request: SetLabelsRequest): Promise<SetLabelsResponse__Output>
  listHistory(request: ListHistoryRequest): Promise<ListHistoryResponse__Output>
  rotateIssuer(): Promise<RotateIssuerResponse__Output>
  taintIssuer(request: TaintIssuerRequest): Promise<TaintIssuerResponse__Output>
  auditHead(): Promise<AuditHeadResponse__Output>
  /** The audit log up to its present end, or until `signal` aborts. */
  readAudit(request: ReadAuditRequest, signal: AbortSignal): AsyncIterable<AuditEntry__Output>
  createSignInLink(): Promise<CreateSignInLinkResponse__Output>
  renewAdministrator(
    request: RenewAdministratorRequest,
  ): Promise<RenewAdministratorResponse__Output>
  /** Flows as they come, until `signal` aborts (then it just ends) or the controller ends the stream. */
  followFlows(request: FollowFlowsRequest, signal: AbortSignal): AsyncIterable<Flow__Output>
}

/** Longest time for one call, from connecting to its answer. */
export const defaultCallTimeoutMs = 20_000

export interface ClientSettings {
  readonly address: HostPort
  readonly now?: () => number
  readonly timeoutMs?: number
  /** Cancels every call of this client. */
  readonly signal?: AbortSignal
}

/** Opens a client of the admin API; it connects at its first call. Dispose of it to close the connection. */
export function createAdminClient(
  settings: ClientSettings & { readonly bundle: TrustBundle; readonly credential: Credential },
): AdminClient {
  const trust: ControllerTrust = { kind: 'bundle', bundle: settings.bundle }
  const caller = createCaller(settings, trust, settings.credential)
  return {
    status: () => caller.unary(adminService.Status, {}),
    apply: (request) => caller.unary(adminService.Apply, request),
    listDocuments: (request) => caller.unary(adminService.ListDocuments, request),
    deleteDocument: (request) => caller.unary(adminService.DeleteDocument, request),
    explain: (request) => caller.unary(adminService.Explain, request),
    listWorkloads: (request) => caller.unary(adminService.ListWorkloads, request),
    revokeWorkload: (request) => caller.unary(adminService.RevokeWorkload, request),
    createJoinToken: (request) => caller.unary(adminService.CreateJoinToken, request),
    listFlows: (request) => caller.unary(adminService.ListFlows, request),
    listNodes: (request) => caller.unary(adminService.ListNodes, request),
    grantEnrolment: (request) => caller.unary(adminService.GrantEnrolment, request),
    listAccounts: () => caller.unary(adminService.ListAccounts, {}),
    putAccount: (request) => caller.unary(adminService.PutAccount, request),
    deleteAccount: (request) => caller.unary(adminService.DeleteAccount, request),
    listIncidents: (request) => caller.unary(adminService.ListIncidents, request),
    resolveIncident: (request) => caller.unary(adminService.ResolveIncident, request),
    setLabels: (request) => caller.unary(adminService.SetLabels, request),
    listHistory: (request) => caller.unary(adminService.ListHistory, request),
    rotateIssuer: () => caller.unary(adminService.RotateIssuer, {}),
    taintIssuer: (request) => caller.unary(adminService.TaintIssuer, request),
    auditHead: () => caller.unary(adminService.AuditHead, {}),
    readAudit: (request, signal) => caller.stream(adminService.ReadAudit, request, signal),
    createSignInLink: () => caller.unary(adminService.CreateSignInLink, {}),
    renewAdministrator: (request) => caller.unary(adminService.RenewAdministrator, request),
    followFlows: (request, signal) => caller.stream(adminService.FollowFlows, request, signal),
    [Symbol.dispose]: () => {
      caller.close()
    },
  }
}

/** What a claim gives back, with the trust domain that the controller proved before it was sent anything. */
export interface Claimed {
  readonly response: ClaimAdministratorResponse__Output
  readonly trustDomain: TrustDomain
}

/** Sends the one-time secret to a controller that has proved itself under `trust`. Throws `CliError`. */
export async function claimAdministrator(
  settings: ClientSettings & { readonly trust: ControllerTrust },
  request: ClaimAdministratorRequest,
): Promise<Claimed> {
  const caller = createCaller(settings, settings.trust, undefined)
  try {
    const response = await caller.unary(enrolmentService.ClaimAdministrator, request)
    const trustDomain = caller.channel.trustDomain()
    if (trustDomain === undefined)
      throw new Error('BUG: an answer came over an unchecked connection')
    return { response, trustDomain }
  } finally {
    caller.close()
  }
}

/** The part of a method's definition that calling it needs. */
type Method<In, Out> = Pick<
  MethodDefinition<In, never, never, Out>,
  'path' | 'requestSerialize' | 'responseDeserialize'
>

interface Caller {
  readonly channel: Channel
  unary<In, Out>(method: Method<In, Out>, request: In): Promise<Out>
  stream<In, Out>(method: Method<In, Out>, request: In, signal: AbortSignal): AsyncGenerator<Out>
  close(): void
}

function createCaller(
  settings: ClientSettings,
  trust: ControllerTrust,
  credential: Credential | undefined,
): Caller {
  const address = formatHostPort(settings.address)
  const channel = createChannel({ trust, credential, now: settings.now ?? Date.now })
  const client = new Client(address, channel.credentials, channel.options)
  const timeoutMs = settings.timeoutMs ?? defaultCallTimeoutMs
  const failure = (error: ServiceError): Error =>
    callFailure(error, { address, refusal: channel.refusal() })
  return {
    channel,
    unary: async (method, request) => {
      try {
        return await unary(
          client,
          method,
          request,
          { deadline: Date.now() + timeoutMs },
          settings.signal,
        )
      } catch (error: unknown) {
        throw isServiceError(error) ? failure(error) : error
      }
    },
    stream: async function* (method, request, signal) {
      const call = serverStream(client, method, request)
      const cancel = (): void => {
        call.cancel()
      }
      signal.addEventListener('abort', cancel, { once: true })
      try {
        if (signal.aborted) return
        for await (const message of call) yield message as never
      } catch (error: unknown) {
        if (signal.aborted && isServiceError(error) && error.code === status.CANCELLED) return
        throw isServiceError(error) ? failure(error) : error
      } finally {
        signal.removeEventListener('abort', cancel)
        call.cancel()
      }
    },
    close: () => {
      client.close()
    },
  }
}

function unary<In, Out>(
  client: Client,
  method: Method<In, Out>,
  request: In,
  options: CallOptions,
  signal: AbortSignal | undefined,
): Promise<Out> {
  const { promise, resolve, reject } = Promise.withResolvers<Out>()
  const call = client.makeUnaryRequest(
    method.path,
    method.requestSerialize,
    method.responseDeserialize,
    request,
    new Metadata(),
    options,
    (error, response) => {
      signal?.removeEventListener('abort', cancel)
      if (error !== null) reject(error)
      // grpc-js gives an answer whenever it gives no error.
      else resolve(response as Out)
    },
  )
  const cancel = (): void => {
    call.cancel()
  }
  signal?.addEventListener('abort', cancel, { once: true })
  if (signal?.aborted === true) cancel()
  return promise
}

function serverStream<In, Out>(
  client: Client,
  method: Method<In, Out>,
  request: In,
): ClientReadableStream<Out> {
  const { path, requestSerialize, responseDeserialize } = method
  return client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, request)
}

function isServiceError(error: unknown): error is ServiceError {
  return (
    error instanceof Error &&
    'code' in error &&
    typeof error.code === 'number' &&
    'details' in error
  )
}
