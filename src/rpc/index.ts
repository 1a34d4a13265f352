/**
 * The wire: services and messages of proto/, loaded once, with decoders that refuse what they do
 * not know. Types are generated (`npm run generate`) and committed.
 */
import { fileURLToPath } from 'node:url'
import { loadSync, type MessageTypeDefinition } from '@grpc/proto-loader'
import type { AdminDefinition } from './generated/blazon/v1/Admin.ts'
import type {
  ControlMessage,
  ControlMessage__Output,
} from './generated/blazon/v1/ControlMessage.ts'
import type { EnrolmentDefinition } from './generated/blazon/v1/Enrolment.ts'
import type { Evidence, Evidence__Output } from './generated/blazon/v1/Evidence.ts'
import type { MeshDefinition } from './generated/blazon/v1/Mesh.ts'
import type { Snapshot, Snapshot__Output } from './generated/blazon/v1/Snapshot.ts'
import type { Floors, Floors__Output } from './generated/blazon/v1/Floors.ts'
import type { Bundle, Bundle__Output } from './generated/blazon/v1/Bundle.ts'
import type { Subject, Subject__Output } from './generated/blazon/v1/Subject.ts'
import type { HealthDefinition } from './generated/grpc/health/v1/Health.ts'
import { checkWire, shapesOf } from './strict.ts'

export { WireError } from './strict.ts'

/** Where the .proto files are: beside src/ in a clone, beside the bundle in an image. */
export const protoDirectory: string = fileURLToPath(new URL('../../proto', import.meta.url))

const definitions = loadSync(
  [
    'blazon/v1/enrolment.proto',
    'blazon/v1/mesh.proto',
    'blazon/v1/admin.proto',
    'blazon/v1/tunnel.proto',
    'grpc/health/v1/health.proto',
  ],
  { includeDirs: [protoDirectory], longs: Number, enums: String, defaults: true, oneofs: true },
)
const shapes = shapesOf(definitions)

function strictDecoder<T>(fullName: string, decode: (bytes: Buffer) => T): (bytes: Buffer) => T {
  return (bytes) => {
    checkWire(shapes, fullName, bytes)
    return decode(bytes)
  }
}

interface AnyMethod {
  requestDeserialize: (bytes: Buffer) => unknown
  responseDeserialize: (bytes: Buffer) => unknown
  readonly requestType: { readonly type: object }
  readonly responseType: { readonly type: object }
}

function service(fullName: string): unknown {
  const prefix = fullName.slice(0, fullName.lastIndexOf('.'))
  const methods = definitions[fullName] as unknown as Record<string, AnyMethod>
  for (const method of Object.values(methods)) {
    const request = `${prefix}.${(method.requestType.type as { name: string }).name}`
    const response = `${prefix}.${(method.responseType.type as { name: string }).name}`
    method.requestDeserialize = strictDecoder(request, method.requestDeserialize)
    method.responseDeserialize = strictDecoder(response, method.responseDeserialize)
  }
  return methods
}

export const enrolmentService: EnrolmentDefinition = service(
  'blazon.v1.Enrolment',
) as EnrolmentDefinition
export const meshService: MeshDefinition = service('blazon.v1.Mesh') as MeshDefinition
export const adminService: AdminDefinition = service('blazon.v1.Admin') as AdminDefinition
export const healthService: HealthDefinition = service('grpc.health.v1.Health') as HealthDefinition

/** Encodes and strictly decodes one message that travels outside a gRPC call. */
export interface Codec<In, Out> {
  encode(message: In): Buffer
  /** Throws `WireError`, or protobufjs's own error for a value that does not decode. */
  decode(bytes: Buffer): Out
}

function codec<In, Out>(fullName: string): Codec<In, Out> {
  const type = definitions[fullName] as unknown as MessageTypeDefinition<In, Out>
  return { encode: type.serialize, decode: strictDecoder(fullName, type.deserialize) }
}

export const evidenceCodec: Codec<Evidence, Evidence__Output> = codec('blazon.v1.Evidence')
export const subjectCodec: Codec<Subject, Subject__Output> = codec('blazon.v1.Subject')
export const controlMessageCodec: Codec<ControlMessage, ControlMessage__Output> = codec(
  'blazon.v1.ControlMessage',
)
export const snapshotCodec: Codec<Snapshot, Snapshot__Output> = codec('blazon.v1.Snapshot')
export const floorsCodec: Codec<Floors, Floors__Output> = codec('blazon.v1.Floors')
export const bundleCodec: Codec<Bundle, Bundle__Output> = codec('blazon.v1.Bundle')
