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
import type { ServerReflectionDefinition } from './generated/grpc/reflection/v1/ServerReflection.ts'
import { jsonSchemaOf, messageFromJson } from './json.ts'
import { reflectedFiles, type ReflectedFile } from './reflected-files.ts'
import { checkWire, shapesOf } from './strict.ts'

export { WireError } from './wire-error.ts'

/** Where the .proto files are: beside src/ in a clone, beside the bundle in an image. */
export const protoDirectory: string = fileURLToPath(new URL('../../proto', import.meta.url))

const files = [
  'blazon/v1/enrolment.proto',
  'blazon/v1/mesh.proto',
  'blazon/v1/admin.proto',
  'blazon/v1/tunnel.proto',
  'grpc/health/v1/health.proto',
  'grpc/reflection/v1/reflection.proto',
  'grpc/reflection/v1alpha/reflection.proto',
]
const definitions = loadSync(files, {
  includeDirs: [protoDirectory],
  longs: Number,
  enums: String,
  defaults: true,
  oneofs: true,
})
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

export const reflectionService: ServerReflectionDefinition = service(
  'grpc.reflection.v1.ServerReflection',
) as ServerReflectionDefinition
/** The same under its older name, which some clients still ask by. */
export const reflectionAlphaService: ServerReflectionDefinition = service(
  'grpc.reflection.v1alpha.ServerReflection',
) as ServerReflectionDefinition

/** The files of proto/, for clients that ask a server what it speaks. Loaded anew: names as written. */
export function protoFiles(): readonly ReflectedFile[] {
  return reflectedFiles(loadSync(files, { includeDirs: [protoDirectory], keepCase: true }))
}

/** The generated types leave out what proto-loader knows of a message. */
type LoadedMethod = AnyMethod & { requestSerialize: (message: object) => Buffer }

let jsonSchema: ReturnType<typeof jsonSchemaOf> | undefined

/**
 * A request of the Admin service out of parsed JSON, as a handler would get it over gRPC: what is
 * not given is at its default. Throws `WireError` with the path of what is wrong.
 */
export function adminRequestFromJson(method: string, json: unknown): object {
  jsonSchema ??= jsonSchemaOf(definitions)
  const definition = adminService[method] as LoadedMethod | undefined
  if (definition === undefined) throw new Error(`BUG: no method ${method}`)
  const { requestType, requestSerialize, requestDeserialize } = definition
  const { name } = requestType.type as { readonly name: string }
  const message = messageFromJson(jsonSchema, `blazon.v1.${name}`, json)
  return requestDeserialize(requestSerialize(message)) as object
}

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

export { jsonFromMessage } from './json.ts'
export type { ReflectedFile } from './reflected-files.ts'
