import { quote } from '../base/errors.ts'
import { didYouMean } from './did-you-mean.ts'
import type { Json, JsonObject, MapField, MapNode, WrittenNode } from './document-node.ts'
import { fieldLimits } from './limits.ts'
import type { Selector } from './selector.ts'
import {
  complain,
  placeOf,
  refuse,
  refused,
  wrongCount,
  type Place,
  type Refused,
  type Shape,
} from './shape.ts'

/** One field of a record: its shape, and what it means when it is not there. */
export interface Field<T> {
  readonly expects: string
  readonly schema: JsonObject
  /** Undefined for a field that must be there. */
  readonly absent: { readonly value: T } | undefined
  readonly read: (node: WrittenNode, place: Place) => T | Refused
  /** Undefined where canonical JSON leaves the field out. */
  readonly write: (value: T) => Json | undefined
}

/** A field whose absence is an error. */
export function required<T>(shape: Shape<T>): Field<T> {
  return { ...shape, absent: undefined }
}

/** A field that may be left out, and then is undefined. */
export function optional<T>(shape: Shape<T>): Field<T | undefined> {
  return {
    ...shape,
    absent: { value: undefined },
    write: (value) => (value === undefined ? undefined : shape.write(value)),
  }
}

/** A field that may be left out, and then has this value; canonical JSON leaves that value out. */
export function withDefault<T extends string | number>(
  shape: Shape<T>,
  value: NoInfer<T>,
): Field<T> {
  return {
    ...shape,
    schema: { ...shape.schema, default: value },
    absent: { value },
    write: (written) => (written === value ? undefined : shape.write(written)),
  }
}

/** `true` or `false`, with the value that it has when left out. */
export function withDefaultFlag(value: boolean): Field<boolean> {
  const expects = 'true or false'
  return {
    expects,
    schema: { type: 'boolean', default: value },
    absent: { value },
    read: (node, place) => {
      const seen = node.kind === 'scalar' ? node.value : undefined
      return typeof seen === 'boolean' ? seen : refuse(node, place, expects)
    },
    write: (written) => (written === value ? undefined : written),
  }
}

/** `true` or `false`, or undefined when left out. */
export function optionalFlag(): Field<boolean | undefined> {
  const flag = withDefaultFlag(false)
  return {
    ...flag,
    schema: { type: 'boolean' },
    absent: { value: undefined },
    write: (written) => written,
  }
}

/** A selector that means anybody when it is left out. */
export function selectorOrAnybody(shape: Shape<Selector>): Field<Selector> {
  return {
    ...shape,
    absent: { value: anybody },
    write: (selector) => {
      const isAnybody = selector.length === 1 && selector[0]?.length === 0
      return isAnybody ? undefined : shape.write(selector)
    },
  }
}

/** One alternative without any term. */
const anybody: Selector = [[]]

export type Fields<T> = { readonly [Name in keyof T & string]: Field<T[Name]> }

/**
 * A map with exactly these fields. `later` names the fields that the reference knows and this version
 * does not enforce: they are refused in words of their own, never skipped. `check` complains about
 * what no field can see alone.
 */
export function record<T extends object>(options: {
  readonly expects: string
  readonly fields: Fields<T>
  readonly later?: readonly string[]
  readonly check?: (value: T, node: MapNode, place: Place) => void
}): Shape<T> {
  const { expects, later = [], check } = options
  // Each field reads and writes its own type; the table as a whole cannot say so.
  const fields = new Map(
    Object.entries(options.fields as unknown as Record<string, Field<unknown>>),
  )

  const read = (node: WrittenNode, place: Place): T | Refused => {
    if (node.kind !== 'map') return refuse(node, place, expects)
    if (node.fields.length > fieldLimits.recordFields) {
      return complain(node.offset, place, wrongCount(fieldLimits.recordFields, node.fields.length))
    }
    const before = place.problems.count
    const values = new Map<string, unknown>()
    for (const written of node.fields) {
      const field = fields.get(written.name)
      if (field === undefined) refuseField(written, place, fields.keys(), later)
      else values.set(written.name, readField(field, written, place))
    }
    for (const [name, field] of fields) {
      if (values.has(name)) continue
      if (field.absent === undefined) {
        complain(
          node.offset,
          place,
          `the field ${quote(name)} is missing: expected ${field.expects}`,
        )
      } else values.set(name, field.absent.value)
    }
    const isGood = place.problems.count === before && !Array.from(values.values()).includes(refused)
    if (!isGood) return refused
    const value = Object.fromEntries(values) as T
    check?.(value, node, place)
    return place.problems.count === before ? value : refused
  }

  const write = (value: T): Json => {
    const members = value as Readonly<Record<string, unknown>>
    const written = Array.from(
      fields,
      ([name, field]) => [name, field.write(members[name])] as const,
    )
    return Object.fromEntries(
      written.filter((entry): entry is [string, Json] => entry[1] !== undefined),
    )
  }

  return { expects, schema: schemaOf(fields), read, write }
}

function schemaOf(fields: ReadonlyMap<string, Field<unknown>>): JsonObject {
  const names = [...fields.keys()]
  return {
    type: 'object',
    properties: Object.fromEntries(Array.from(fields, ([name, { schema }]) => [name, schema])),
    required: names.filter((name) => fields.get(name)?.absent === undefined),
    additionalProperties: false,
  }
}

function readField<T>(field: Field<T>, { name, value }: MapField, place: Place): T | Refused {
  return value.kind === 'refused' ? refused : field.read(value, placeOf(place, name))
}

function refuseField(
  { name, offset }: MapField,
  place: Place,
  known: Iterable<string>,
  later: readonly string[],
): void {
  const message = later.includes(name)
    ? `the field ${quote(name)} is not supported yet by this version`
    : `unknown field ${quote(name)}${didYouMean(name, known)}`
  complain(offset, place, message)
}
