import {
  filesOf,
  resolveName,
  type FieldDescriptor,
  type MessageDescriptor,
} from './descriptors.ts'
import { WireError } from './wire-error.ts'

interface Field {
  readonly name: string
  readonly wireType: number
  readonly packable: boolean
  readonly repeated: boolean
  readonly oneof: number | undefined
  readonly message: string | undefined
}

type Shape = ReadonlyMap<number, Field>

const varint = 0
const fixed64 = 1
const delimited = 2
const fixed32 = 5
const wireTypes: Readonly<Record<string, number>> = {
  TYPE_DOUBLE: fixed64,
  TYPE_FIXED64: fixed64,
  TYPE_SFIXED64: fixed64,
  TYPE_FLOAT: fixed32,
  TYPE_FIXED32: fixed32,
  TYPE_SFIXED32: fixed32,
  TYPE_STRING: delimited,
  TYPE_BYTES: delimited,
  TYPE_MESSAGE: delimited,
}

/** The shapes of all messages, by full name, for `checkWire`. */
export type Shapes = ReadonlyMap<string, Shape>

/** Reads the shapes of every message out of what proto-loader has loaded. */
export function shapesOf(definitions: Readonly<Record<string, object>>): Shapes {
  const shapes = new Map<string, Shape>()
  const add = (fullName: string, { field = [], nestedType = [] }: MessageDescriptor): void => {
    shapes.set(fullName, new Map(field.map((each) => [each.number, fieldOf(fullName, each)])))
    for (const nested of nestedType) add(`${fullName}.${nested.name}`, nested)
  }
  for (const file of filesOf(definitions)) {
    for (const message of file.messageType ?? []) add(`${file.package}.${message.name}`, message)
  }
  return shapes
}

function fieldOf(owner: string, field: FieldDescriptor): Field {
  const wireType = wireTypes[field.type] ?? varint
  return {
    name: `${owner}.${field.name}`,
    wireType,
    packable: wireType !== delimited,
    repeated: field.label === 'LABEL_REPEATED',
    oneof: field.oneofIndex,
    message: field.typeName === undefined ? undefined : messageOf(owner, field),
  }
}

function messageOf(owner: string, { type, typeName = '' }: FieldDescriptor): string | undefined {
  return type === 'TYPE_MESSAGE' ? resolveName(owner, typeName) : undefined
}

const deepest = 16

/**
 * Refuses what a protobuf decoder would let pass in silence: unknown fields, a known field in
 * another wire type, a singular field that comes twice, two members of one oneof, groups, and trailing or truncated bytes.
 */
export function checkWire(shapes: Shapes, fullName: string, bytes: Buffer): void {
  walk(shapes, fullName, bytes, 0, bytes.length, 0)
}

function walk(
  shapes: Shapes,
  fullName: string,
  bytes: Buffer,
  from: number,
  to: number,
  depth: number,
): void {
  const shape = shapes.get(fullName)
  if (shape === undefined) throw new Error(`BUG: no shape for message ${fullName}`)
  if (depth > deepest) throw new WireError(`${fullName}: nested deeper than ${String(deepest)}`)
  const seen = new Set<number>()
  const chosen = new Set<number>()
  let at = from
  while (at < to) {
    const tag = readVarint(bytes, at, to, fullName)
    const number = Math.floor(tag.value / 8)
    const wireType = tag.value % 8
    at = tag.next
    const field = shape.get(number)
    if (field === undefined) {
      throw new WireError(`${fullName}: unknown field number ${String(number)}`)
    }
    const packed = field.packable && field.repeated && wireType === delimited
    if (wireType !== field.wireType && !packed) {
      throw new WireError(
        `${field.name}: expected wire type ${String(field.wireType)}, got ${String(wireType)}`,
      )
    }
    if (!field.repeated && seen.has(number)) throw new WireError(`${field.name}: given twice`)
    seen.add(number)
    if (field.oneof !== undefined) {
      if (chosen.has(field.oneof))
        throw new WireError(`${field.name}: a second choice of its oneof`)
      chosen.add(field.oneof)
    }
    const end = skip(bytes, at, to, wireType, field.name)
    if (field.message !== undefined) {
      walk(shapes, field.message, bytes, end.contentStart, end.next, depth + 1)
    }
    at = end.next
  }
}

function skip(
  bytes: Buffer,
  at: number,
  to: number,
  wireType: number,
  name: string,
): { contentStart: number; next: number } {
  if (wireType === varint) {
    const number = readVarint(bytes, at, to, name)
    if (number.value > Number.MAX_SAFE_INTEGER) {
      throw new WireError(`${name}: expected a number below 2^53, got one beyond it`)
    }
    return { contentStart: at, next: number.next }
  }
  const length = wireType === fixed64 ? 8 : wireType === fixed32 ? 4 : undefined
  const prefix =
    length === undefined ? readVarint(bytes, at, to, name) : { value: length, next: at }
  const next = prefix.next + prefix.value
  if (next > to) {
    throw new WireError(
      `${name}: ${String(prefix.value)} bytes announced, ${String(to - prefix.next)} left`,
    )
  }
  return { contentStart: prefix.next, next }
}

function readVarint(
  bytes: Buffer,
  from: number,
  to: number,
  name: string,
): { value: number; next: number } {
  let value = 0
  for (let at = from, shift = 0; at < to && shift < 70; at++, shift += 7) {
    const byte = bytes[at] ?? 0
    value += (byte & 0x7f) * 2 ** shift
    if (byte < 0x80) return { value, next: at + 1 }
  }
  throw new WireError(`${name}: a number is cut off or longer than 10 bytes`)
}
