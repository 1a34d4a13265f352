import {
  encodeFile,
  filesOf,
  type FieldDescriptor,
  type FileDescriptor,
  type MessageDescriptor,
} from './descriptors.ts'

/** One file as reflection hands it out: protobufjs makes one of each package. */
export interface ReflectedFile {
  readonly name: string
  /** Serialized FileDescriptorProto. */
  readonly bytes: Buffer
  /** Full names of everything that is defined in it: services, methods, messages, fields, enums. */
  readonly symbols: ReadonlySet<string>
  readonly services: readonly string[]
}

/** Descriptors that stand on their own: every type by its full name, every field with its JSON name. */
export function reflectedFiles(
  definitions: Readonly<Record<string, object>>,
): readonly ReflectedFile[] {
  return filesOf(definitions).map((file) => {
    const symbols = new Set<string>()
    const names = new Set<string>()
    for (const message of file.messageType ?? []) collect(file.package, message, names)
    for (const one of file.enumType ?? []) names.add(`${file.package}.${one.name}`)
    for (const message of file.messageType ?? []) qualify(file.package, message, names)
    for (const name of names) symbols.add(name)
    addMembers(file, symbols)
    const services = (file.service ?? []).map(({ name }) => `${file.package}.${name}`)
    return { name: file.name, bytes: encodeFile(file), symbols, services }
  })
}

function collect(scope: string, message: MessageDescriptor, names: Set<string>): void {
  const fullName = `${scope}.${message.name}`
  names.add(fullName)
  for (const nested of message.nestedType ?? []) collect(fullName, nested, names)
  for (const one of message.enumType ?? []) names.add(`${fullName}.${one.name}`)
}

function qualify(scope: string, message: MessageDescriptor, names: ReadonlySet<string>): void {
  const fullName = `${scope}.${message.name}`
  for (const field of message.field ?? []) {
    field.jsonName = jsonNameOf(field)
    if (field.typeName !== undefined) field.typeName = resolve(fullName, field.typeName, names)
  }
  for (const nested of message.nestedType ?? []) qualify(fullName, nested, names)
}

function jsonNameOf({ name }: FieldDescriptor): string {
  return name.replaceAll(/_([a-z0-9])/g, (_match, letter: string) => letter.toUpperCase())
}

/** By the scoping rule of protobuf: the innermost scope that knows the name. */
function resolve(scope: string, typeName: string, names: ReadonlySet<string>): string {
  if (typeName.startsWith('.')) return typeName
  for (let at = scope; at !== ''; at = at.slice(0, Math.max(0, at.lastIndexOf('.')))) {
    if (names.has(`${at}.${typeName}`)) return `.${at}.${typeName}`
  }
  return `.${typeName}`
}

function addMembers(file: FileDescriptor, symbols: Set<string>): void {
  for (const service of file.service ?? []) {
    const fullName = `${file.package}.${service.name}`
    symbols.add(fullName)
    for (const method of service.method ?? []) symbols.add(`${fullName}.${method.name}`)
  }
}
