import { quote } from '../base/errors.ts'
import { didYouMean } from './did-you-mean.ts'
import {
  describeNode,
  type DocumentNode,
  type Json,
  type JsonObject,
  type WrittenNode,
} from './document-node.ts'
import { fieldLimits } from './limits.ts'
import type { ProblemList } from './problem-list.ts'

/** Instead of a value that was refused; why is in the problems. */
export const refused: unique symbol = Symbol('refused')
export type Refused = typeof refused

/** Where in a document a value stands, as a path for messages, and where its problems go. */
export interface Place {
  readonly path: string
  readonly problems: ProblemList
  /** Whether tags count without the account they come from: see `ReadOptions`. */
  readonly tagsTrusted?: boolean
}

/**
 * How one sort of value is read from a document and written to canonical JSON. Shapes are data put
 * together from smaller shapes, so that the fields of a document kind can be listed as a table.
 * `write` is the inverse of `read`.
 */
export interface Shape<T> {
  /** For messages: `expected <expects>, got ...`. */
  readonly expects: string
  /** What may be written, for editors (JSON Schema 2020-12); `read` may ask for more. */
  readonly schema: JsonObject
  readonly read: (node: WrittenNode, place: Place) => T | Refused
  readonly write: (value: T) => Json
}

/** Reads a node by its shape; one that was refused for its form is not complained about again. */
export function readNode<T>(shape: Shape<T>, node: DocumentNode, place: Place): T | Refused {
  return node.kind === 'refused' ? refused : shape.read(node, place)
}

/** Adds `path: expected ..., got ...` for this node. */
export function refuse(node: WrittenNode, place: Place, expects: string, hint = ''): Refused {
  const seen = describeNode(node)
  return complain(node.offset, place, `expected ${expects}, got ${seen}${hint}`)
}

/** Adds `path: message` at an offset. */
export function complain(offset: number, { path, problems }: Place, message: string): Refused {
  problems.add(offset, path === '' ? message : `${path}: ${message}`)
  return refused
}

/** The place of a field (`name`) or of a list item (`[0]`) below another. */
export function placeOf(place: Place, part: string): Place {
  const { path } = place
  const isTop = path === '' || part.startsWith('[')
  return { ...place, path: isTop ? `${path}${part}` : `${path}.${part}` }
}

/** A text that `parse` turns into a value (undefined: refused); `hint` ends the message. */
export function text<T>(options: {
  readonly expects: string
  readonly parse: (text: string) => T | undefined
  readonly hint?: (text: string) => string
  readonly write: (value: T) => string
  readonly schema?: JsonObject
}): Shape<T> {
  const { expects, parse, hint, write, schema } = options
  return {
    expects,
    schema: { type: 'string', ...(schema ?? { description: expects }) },
    read: (node, place) => {
      if (node.kind !== 'scalar' || typeof node.value !== 'string') {
        return refuse(node, place, expects, quotesHint(node))
      }
      const value = parse(node.value)
      return value ?? refuse(node, place, expects, hint?.(node.value))
    },
    write,
  }
}

/** `012` and `1.10` mean other numbers in YAML than they show, so a number never stands for text. */
export function quotesHint(node: WrittenNode): string {
  if (node.kind !== 'scalar' || node.value === null || typeof node.value === 'string') return ''
  return `; write ${quote(node.written)} with the quotes`
}

/** One word of a closed set. */
export function oneOf<T extends string>(words: readonly T[]): Shape<T> {
  return text({
    expects: words.join(' | '),
    parse: (word) => words.find((known) => known === word),
    hint: (word) => didYouMean(word, words),
    write: (word) => word,
    schema: { enum: words },
  })
}

/** A whole number within limits. */
export function wholeNumber(least: number, most: number): Shape<number> {
  const expects = `a whole number from ${String(least)} to ${String(most)}`
  return {
    expects,
    schema: { type: 'integer', minimum: least, maximum: most },
    read: (node, place) => {
      const value = node.kind === 'scalar' ? node.value : undefined
      const fits =
        typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most
      return fits ? value : refuse(node, place, expects)
    },
    write: (value) => value,
  }
}

/**
 * A list that means a set: kept sorted and without repeats, so that files which mean the same have
 * the same canonical form.
 */
export function setOf<T extends string | number>(
  item: Shape<T>,
  most: number,
): Shape<readonly T[]> {
  const expects = `a list of 1 to ${String(most)} entries, each ${item.expects}`
  return {
    expects,
    schema: { type: 'array', minItems: 1, maxItems: most, items: item.schema },
    read: (node, place) => {
      if (node.kind !== 'list') return refuse(node, place, expects)
      const values = readItems(item, node, place, most)
      return values === refused ? refused : sortedSet(values)
    },
    write: (values) => values.map((value) => item.write(value)),
  }
}

/** One value, or a list of them: kept as a sorted set, written as one value where it is one. */
export function oneOrSetOf<T extends string | number>(
  item: Shape<T>,
  most: number,
): Shape<readonly T[]> {
  const list = setOf(item, most)
  return {
    expects: `${item.expects}, or ${list.expects}`,
    schema: { anyOf: [item.schema, list.schema] },
    read: (node, place) => {
      if (node.kind === 'list') return list.read(node, place)
      const value = item.read(node, place)
      return value === refused ? refused : [value]
    },
    write: ([first, ...others]) =>
      first === undefined || others.length > 0
        ? list.write(first === undefined ? [] : [first, ...others])
        : item.write(first),
  }
}

/** All items of a list; refused when one was, or when there are none or too many. */
export function readItems<T>(
  item: Shape<T>,
  node: Extract<WrittenNode, { kind: 'list' }>,
  place: Place,
  most: number,
): T[] | Refused {
  if (node.items.length === 0 || node.items.length > most) {
    return complain(node.offset, place, wrongCount(most, node.items.length))
  }
  const values: T[] = []
  for (const [index, child] of node.items.entries()) {
    const value = readNode(item, child, placeOf(place, `[${String(index)}]`))
    if (value !== refused) values.push(value)
  }
  return values.length === node.items.length ? values : refused
}

export function wrongCount(most: number, seen: number): string {
  return `expected 1 to ${String(most)} entries, got ${seen === 0 ? 'none' : String(seen)}`
}

function sortedSet<T extends string | number>(values: Iterable<T>): T[] {
  return [...new Set(values)].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
}

/** A map with free keys, each judged by `key`, kept sorted by key. */
export function mapOf<T>(
  key: Shape<string>,
  value: Shape<T>,
  most: number,
): Shape<ReadonlyMap<string, T>> {
  const expects = `a map of 1 to ${String(most)} entries from ${key.expects}`
  return {
    expects,
    schema: {
      type: 'object',
      minProperties: 1,
      maxProperties: most,
      propertyNames: key.schema,
      additionalProperties: value.schema,
    },
    read: (node, place) => {
      if (node.kind !== 'map') return refuse(node, place, expects)
      if (node.fields.length === 0 || node.fields.length > most) {
        return complain(node.offset, place, wrongCount(most, node.fields.length))
      }
      const entries = node.fields.map((field) => {
        const name = key.read(
          { kind: 'scalar', offset: field.offset, value: field.name, written: field.name },
          place,
        )
        const read = readNode(value, field.value, placeOf(place, field.name))
        return name === refused || read === refused ? refused : ([name, read] as const)
      })
      const good = entries.filter((entry) => entry !== refused)
      if (good.length < entries.length) return refused
      return new Map(good.sort(([a], [b]) => (a < b ? -1 : 1)))
    },
    write: (map) =>
      Object.fromEntries(Array.from(map, ([name, item]) => [name, value.write(item)])),
  }
}

/** A name of a document or workload: what file names, paths and shells take without quoting. */
export const nameShape: Shape<string> = text({
  expects: `a name of lower-case letters, digits, "-", "_" and ".", at most ${String(fieldLimits.nameLength)} long`,
  parse: (name) =>
    name.length <= fieldLimits.nameLength && /^[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?$/.test(name)
      ? name
      : undefined,
  write: (name) => name,
  schema: { maxLength: fieldLimits.nameLength, pattern: '^[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?$' },
})
