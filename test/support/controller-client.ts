import { createHash, X509Certificate, type KeyObject } from 'node:crypto'
import { createSecureContext, type PeerCertificate } from 'node:tls'
import {
  ChannelCredentials,
  Client,
  Metadata,
  type ClientDuplexStream,
  type ClientReadableStream,
  type ServiceError,
} from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { HostPort } from '../../src/base/env.ts'
import { spkiOf } from '../../src/identity/index.ts'
import {
  adminService,
  enrolmentService,
  healthService,
  meshService,
  reflectionAlphaService,
  reflectionService,
} from '../../src/rpc/index.ts'
import type { AuditEntry__Output } from '../../src/rpc/generated/blazon/v1/AuditEntry.ts'
import type { ServerReflectionRequest } from '../../src/rpc/generated/grpc/reflection/v1/ServerReflectionRequest.ts'
import type { ServerReflectionResponse__Output } from '../../src/rpc/generated/grpc/reflection/v1/ServerReflectionResponse.ts'
import type { HealthCheckResponse__Output } from '../../src/rpc/generated/grpc/health/v1/HealthCheckResponse.ts'
import type { WatchRequest } from '../../src/rpc/generated/blazon/v1/WatchRequest.ts'
import type { WatchUpdate__Output } from '../../src/rpc/generated/blazon/v1/WatchUpdate.ts'
import type { Flow__Output } from '../../src/rpc/generated/blazon/v1/Flow.ts'
import { toPem } from '../../src/cli/pem.ts'

/** A certificate and its key, as a client shows them. */
export interface ClientIdentity {
  readonly chain: readonly Buffer[]
  readonly privateKey: KeyObject
}

type Services = typeof adminService & typeof enrolmentService & typeof meshService
type Request<M> = M extends { requestSerialize: (request: infer In) => Buffer } ? In : never
type Response<M> = M extends { responseDeserialize: (bytes: Buffer) => infer Out } ? Out : never

/** One connection to a controller, by the wire alone. */
export interface ControllerClient extends Disposable {
  call<Name extends keyof Services & string>(
    name: Name,
    request: Request<Services[Name]>,
    metadata?: Metadata,
  ): Promise<Response<Services[Name]>>
  /** Sends bytes in place of a request, to see what becomes of them. */
  callRaw(name: keyof Services & string, bytes: Buffer): Promise<unknown>
  watch(): ClientDuplexStream<WatchRequest, WatchUpdate__Output>
  followFlows(metadata?: Metadata): ClientReadableStream<Flow__Output>
  readAudit(from?: number): ClientReadableStream<AuditEntry__Output>
  reflect(
    version: 'v1' | 'v1alpha',
    metadata?: Metadata,
  ): ClientDuplexStream<ServerReflectionRequest, ServerReflectionResponse__Output>
  health(service: string): Promise<HealthCheckResponse__Output>
  /** SHA-256 of the key that the controller showed; known after the first answer. */
  controllerKeySha256(): string
}

const methods = { ...adminService, ...enrolmentService, ...meshService } as Services

export function connectTo(
  { host, port }: HostPort,
  root: Buffer,
  identity?: ClientIdentity,
): ControllerClient {
  let controllerKey: string | undefined
  const context = createSecureContext({
    ca: toPem(root),
    minVersion: 'TLSv1.3',
    ...(identity === undefined
      ? {}
      : {
          cert: identity.chain.map(toPem).join(''),
          key: identity.privateKey.export({ format: 'pem', type: 'pkcs8' }),
        }),
  })
  const credentials = ChannelCredentials.createFromSecureContext(context, {
    checkServerIdentity: (_host: string, certificate: PeerCertificate) => {
      const spki = spkiOf(new X509Certificate(certificate.raw).publicKey)
      controllerKey = createHash('sha256').update(spki).digest('hex')
      return undefined
    },
  })
  const client = new Client(`ipv4:${host}:${String(port)}`, credentials, {
    'grpc.ssl_target_name_override': 'controller',
    'grpc.use_local_subchannel_pool': 1,
    'grpc.enable_retries': 0,
  })

  const unary = (
    path: string,
    serialize: (request: unknown) => Buffer,
    deserialize: (bytes: Buffer) => unknown,
    request: unknown,
    metadata = new Metadata(),
  ): Promise<unknown> =>
    new Promise((resolve, reject) => {
      // The largest file of documents takes seconds to read, and more on a busy machine.
      const deadline = Date.now() + (path.endsWith('/Apply') ? 60_000 : 10_000)
      client.makeUnaryRequest(
        path,
        serialize,
        deserialize,
        request,
        metadata,
        { deadline },
        (error: ServiceError | null, response?: unknown) => {
          if (error === null) resolve(response)
          else reject(error)
        },
      )
    })

  return {
    call: async (name, request, metadata) => {
      const method = methods[name] as MethodDefinition<object, object>
      const { path, requestSerialize, responseDeserialize } = method
      const serialize = requestSerialize as (request: unknown) => Buffer
      return (await unary(path, serialize, responseDeserialize, request, metadata)) as never
    },
    callRaw: (name, bytes) =>
      unary(
        (methods[name] as MethodDefinition<object, object>).path,
        () => bytes,
        (answer) => answer,
        {},
      ),
    watch: () =>
      client.makeBidiStreamRequest(
        meshService.Watch.path,
        meshService.Watch.requestSerialize,
        meshService.Watch.responseDeserialize,
      ),
    followFlows: (metadata = new Metadata()) =>
      client.makeServerStreamRequest(
        adminService.FollowFlows.path,
        adminService.FollowFlows.requestSerialize,
        adminService.FollowFlows.responseDeserialize,
        {},
        metadata,
      ),
    readAudit: (from = 1) =>
      client.makeServerStreamRequest(
        adminService.ReadAudit.path,
        adminService.ReadAudit.requestSerialize,
        adminService.ReadAudit.responseDeserialize,
        { fromSequence: from },
      ),
    reflect: (version, metadata = new Metadata()) => {
      const service = version === 'v1' ? reflectionService : reflectionAlphaService
      const { path, requestSerialize, responseDeserialize } = service.ServerReflectionInfo
      return client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, metadata)
    },
    health: async (service) => {
      const { path, requestSerialize, responseDeserialize } = healthService.Check
      const serialize = requestSerialize as (request: unknown) => Buffer
      return (await unary(path, serialize, responseDeserialize, {
        service,
      })) as HealthCheckResponse__Output
    },
    controllerKeySha256: () => {
      if (controllerKey === undefined) throw new Error('BUG: no answer yet')
      return controllerKey
    },
    [Symbol.dispose]: () => {
      client.close()
    },
  }
}
