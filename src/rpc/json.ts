import {
  filesOf,
  resolveName,
  type EnumDescriptor,
  type FieldDescriptor,
  type MessageDescriptor,
} from './descriptors.ts'
import { WireError } from './wire-error.ts'

/** What JSON says of a message: fields by their JSON name. */
interface JsonShape {
  readonly fields: ReadonlyMap<string, JsonField>
}
interface JsonField {
  readonly type: string
  readonly isRepeated: boolean
  readonly oneof: number | undefined
  /** Full name of a message or an enum. */
  readonly typeName: string | undefined
}

/** Every message and enum, as JSON has them. */
export interface JsonSchema {
  readonly messages: ReadonlyMap<string, JsonShape>
  /** Value names. */
  readonly enums: ReadonlyMap<string, readonly string[]>
}

export function jsonSchemaOf(definitions: Readonly<Record<string, object>>): JsonSchema {
  const messages = new Map<string, JsonShape>()
  const enums = new Map<string, readonly string[]>()
  const addEnum = (prefix: string, { name, value = [] }: EnumDescriptor): void => {
    enums.set(
      `${prefix}.${name}`,
      value.map((one) => one.name),
    )
  }
  const addMessage = (fullName: string, message: MessageDescriptor): void => {
    const fields = (message.field ?? []).map((field): [string, JsonField] => [
      field.name,
      jsonFieldOf(fullName, field),
    ])
    messages.set(fullName, { fields: new Map(fields) })
    for (const nested of message.nestedType ?? []) addMessage(`${fullName}.${nested.name}`, nested)
    for (const one of message.enumType ?? []) addEnum(fullName, one)
  }
  for (const file of filesOf(definitions)) {
    for (const message of file.messageType ?? []) {
      addMessage(`${file.package}.${message.name}`, message)
    }
    for (const one of file.enumType ?? []) addEnum(file.package, one)
  }
  return { messages, enums }
}

function jsonFieldOf(owner: string, field: FieldDescriptor): JsonField {
  return {
    type: field.type,
    isRepeated: field.label === 'LABEL_REPEATED',
    oneof: field.oneofIndex,
    typeName: field.typeName === undefined ? undefined : resolveName(owner, field.typeName),
  }
}

const deepest = 16

/**
 * A message out of parsed JSON, in the form that handlers take: all of it must be known and of the
 * right type. Throws `WireError` with the path of the field.
 */
export function messageFromJson(schema: JsonSchema, fullName: string, json: unknown): object {
  return readMessage(schema, fullName, json, fullName.slice(fullName.lastIndexOf('.') + 1), 0)
}

function readMessage(
  schema: JsonSchema,
  fullName: string,
  json: unknown,
  path: string,
  depth: number,
): object {
  const shape = schema.messages.get(fullName)
  if (shape === undefined) throw new Error(`BUG: no shape for message ${fullName}`)
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw wrong(path, 'an object', json)
  }
  if (depth > deepest) throw new WireError(`${path}: nested deeper than ${String(deepest)}`)
  const chosen = new Set<number>()
  const message: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(json)) {
    const at = `${path}.${name}`
    const field = shape.fields.get(name)
    if (field === undefined) throw new WireError(`${at}: unknown field`)
    if (field.oneof !== undefined) {
      if (chosen.has(field.oneof)) throw new WireError(`${at}: a second choice of its oneof`)
      chosen.add(field.oneof)
    }
    message[name] = field.isRepeated
      ? readList(schema, field, value, at, depth)
      : readValue(schema, field, value, at, depth)
  }
  return message
}

function readList(
  schema: JsonSchema,
  field: JsonField,
  json: unknown,
  path: string,
  depth: number,
): unknown[] {
  if (!Array.isArray(json)) throw wrong(path, 'a list', json)
  return json.map((item, index) =>
    readValue(schema, field, item, `${path}[${String(index)}]`, depth),
  )
}

function readValue(
  schema: JsonSchema,
  field: JsonField,
  json: unknown,
  path: string,
  depth: number,
): unknown {
  switch (field.type) {
    case 'TYPE_MESSAGE':
      return readMessage(schema, field.typeName ?? '', json, path, depth + 1)
    case 'TYPE_ENUM':
      return readEnum(schema.enums.get(field.typeName ?? '') ?? [], json, path)
    case 'TYPE_STRING':
      if (typeof json === 'string' && json.isWellFormed()) return json
      throw wrong(path, 'text', json)
    case 'TYPE_BOOL':
      if (typeof json === 'boolean') return json
      throw wrong(path, 'true or false', json)
    case 'TYPE_BYTES':
      return readBytes(json, path)
    default:
      return readNumber(field.type, json, path)
  }
}

function readEnum(names: readonly string[], json: unknown, path: string): string {
  const name = names.find((one) => one === json)
  if (name === undefined) throw wrong(path, `one of ${names.join(', ')}`, json)
  return name
}

function readBytes(json: unknown, path: string): Buffer {
  if (typeof json === 'string') {
    const bytes = Buffer.from(json, 'base64')
    if (bytes.toString('base64') === json) return bytes
  }
  throw wrong(path, 'bytes in base64', json)
}

const ranges: Readonly<Record<string, readonly [least: number, most: number]>> = {
  TYPE_UINT32: [0, 0xffff_ffff],
  TYPE_INT32: [-0x8000_0000, 0x7fff_ffff],
  TYPE_UINT64: [0, Number.MAX_SAFE_INTEGER],
  TYPE_INT64: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
}

function readNumber(type: string, json: unknown, path: string): number {
  const range = ranges[type]
  if (range === undefined) throw new Error(`BUG: no JSON form for ${type}`)
  const [least, most] = range
  if (typeof json === 'number' && Number.isInteger(json) && json >= least && json <= most) {
    return json
  }
  throw wrong(path, `a whole number from ${String(least)} to ${String(most)}`, json)
}

function wrong(path: string, expected: string, seen: unknown): WireError {
  const what = seen === null ? 'null' : Array.isArray(seen) ? 'a list' : typeof seen
  return new WireError(`${path}: expected ${expected}, got ${what}`)
}

/** The JSON form of a message that a handler answered with: bytes become base64. */
export function jsonFromMessage(message: unknown): string {
  return JSON.stringify(message, function (this: unknown, name, value: unknown) {
    // Buffers have a `toJSON` of their own, which has run by now: the holder still has the bytes.
    const held = (this as Readonly<Record<string, unknown>>)[name]
    return held instanceof Uint8Array ? Buffer.from(held).toString('base64') : value
  })
}
