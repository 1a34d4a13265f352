import { quote } from '../base/errors.ts'
import { documentLimits } from './limits.ts'
import type { ProblemList } from './problem-list.ts'

/**
 * A document as it was written, before anybody asks what it means: the common form of YAML, of JSON
 * text and of stored canonical JSON, so that one set of shapes judges them all. `offset` is the
 * place in the text.
 */
export type DocumentNode = WrittenNode | RefusedNode
export type WrittenNode = ScalarNode | ListNode | MapNode

export interface ScalarNode {
  readonly kind: 'scalar'
  readonly offset: number
  readonly value: string | number | boolean | null
  /** As it stands in the file, for messages: `1.10` is the number 1.1. */
  readonly written: string
  /** The text of the file that it was read from, with quotes or block marks. */
  readonly raw?: string
}

export interface ListNode {
  readonly kind: 'list'
  readonly offset: number
  readonly items: readonly DocumentNode[]
}

export interface MapNode {
  readonly kind: 'map'
  readonly offset: number
  /** Unique by name. */
  readonly fields: readonly MapField[]
}

/** Something whose form was wrong: the problem is listed already, and nobody should complain again. */
export interface RefusedNode {
  readonly kind: 'refused'
  readonly offset: number
}

export interface MapField {
  readonly name: string
  readonly offset: number
  readonly value: DocumentNode
}

export type Json = string | number | boolean | null | readonly Json[] | JsonObject
export interface JsonObject {
  readonly [name: string]: Json
}

/** What a node is, in the words of an error message. */
export function describeNode(node: WrittenNode): string {
  switch (node.kind) {
    case 'map':
      return node.fields.length === 0 ? 'an empty map' : 'a map'
    case 'list':
      return node.items.length === 0 ? 'an empty list' : 'a list'
    case 'scalar':
      return describeScalar(node)
    default:
      return node satisfies never
  }
}

function describeScalar({ value, written }: ScalarNode): string {
  if (value === null) return 'nothing'
  if (typeof value === 'string') return quote(value)
  return `the ${typeof value} ${quote(written).slice(1, -1)}`
}

/** The node of parsed JSON. */
export function nodeOfJson(json: unknown, problems: ProblemList, depth = 0): DocumentNode {
  const offset = 0
  if (depth > documentLimits.depth) {
    problems.add(offset, `nested more than ${String(documentLimits.depth)} levels deep`)
    return { kind: 'refused', offset }
  }
  if (Array.isArray(json)) {
    const items = json.map((item) => nodeOfJson(item, problems, depth + 1))
    return { kind: 'list', offset, items }
  }
  if (typeof json === 'object' && json !== null) {
    const fields = Object.entries(json).map(([name, value]) => {
      return { name, offset, value: nodeOfJson(value, problems, depth + 1) }
    })
    return { kind: 'map', offset, fields }
  }
  const value = json as ScalarNode['value']
  return { kind: 'scalar', offset, value, written: String(value) }
}
