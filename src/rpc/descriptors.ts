import type { ProtobufTypeDefinition } from '@grpc/proto-loader'
import descriptors from 'protobufjs/ext/descriptor/index.js'

/** The parts of google.protobuf's descriptors that are read here; what is empty is not there. */
export interface FileDescriptor {
  name: string
  readonly package: string
  dependency?: string[]
  readonly messageType?: readonly MessageDescriptor[]
  readonly enumType?: readonly EnumDescriptor[]
  readonly service?: readonly ServiceDescriptor[]
}
export interface MessageDescriptor {
  readonly name: string
  readonly field?: readonly FieldDescriptor[]
  readonly nestedType?: readonly MessageDescriptor[]
  readonly enumType?: readonly EnumDescriptor[]
}
export interface FieldDescriptor {
  name: string
  readonly number: number
  readonly type: string
  typeName?: string
  jsonName?: string
  readonly label: string
  readonly oneofIndex?: number
}
export interface EnumDescriptor {
  readonly name: string
  readonly value?: readonly { readonly name: string; readonly number: number }[]
}
export interface ServiceDescriptor {
  readonly name: string
  readonly method?: readonly { readonly name: string }[]
}

/** The descriptors of all files that proto-loader has loaded: every definition carries them all. */
export function filesOf(definitions: Readonly<Record<string, object>>): readonly FileDescriptor[] {
  const any = Object.values(definitions).find((definition) => 'fileDescriptorProtos' in definition)
  const type = descriptors.FileDescriptorProto
  return ((any as Partial<ProtobufTypeDefinition> | undefined)?.fileDescriptorProtos ?? []).map(
    (bytes) => type.toObject(type.decode(bytes), { enums: String }) as unknown as FileDescriptor,
  )
}

/** Bytes of a FileDescriptorProto. */
export function encodeFile(file: FileDescriptor): Buffer {
  const type = descriptors.FileDescriptorProto
  return Buffer.from(type.encode(type.fromObject({ ...file })).finish())
}

/** protobufjs leaves the type name as it stands in the file: relative to the package or nested. */
export function resolveName(owner: string, typeName: string): string {
  if (typeName.startsWith('.')) return typeName.slice(1)
  if (typeName.includes('.')) return typeName
  return `${owner.slice(0, owner.lastIndexOf('.'))}.${typeName}`
}
