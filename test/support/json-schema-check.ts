import type { Json, JsonObject } from '../../src/policy/document-node.ts'

/** Words that say nothing about what is accepted. */
const silent = ['$schema', '$defs', 'title', 'description', 'default', 'examples', 'format']

/**
 * Whether a value is accepted by a JSON Schema, for the words that ours uses (draft 2020-12). Any other
 * word is an error, so that a schema is never taken for stricter than it was checked to be.
 */
export function isAccepted(schema: JsonObject, value: unknown, root: JsonObject = schema): boolean {
  return Object.entries(schema).every(([word, rule]) => {
    if (silent.includes(word) || word === 'then') return true
    const check = checks[word]
    if (check === undefined) throw new Error(`a word of JSON Schema that is not checked: ${word}`)
    return check(rule, value, (inner, part) => isAccepted(inner as JsonObject, part, root), {
      root,
      schema,
    })
  })
}

type Ask = (schema: unknown, value: unknown) => boolean
type Check = (
  rule: Json,
  value: unknown,
  ask: Ask,
  where: { readonly root: JsonObject; readonly schema: JsonObject },
) => boolean

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const types: Record<string, (value: unknown) => boolean> = {
  object: isMap,
  array: Array.isArray,
  string: (value) => typeof value === 'string',
  boolean: (value) => typeof value === 'boolean',
  integer: Number.isInteger,
}

const length = (value: unknown): number =>
  typeof value === 'string' ? Array.from(value).length : NaN
const items = (value: unknown): number => (Array.isArray(value) ? value.length : NaN)
const members = (value: unknown): number => (isMap(value) ? Object.keys(value).length : NaN)
const least = (size: (value: unknown) => number): Check => {
  return (rule, value) => !(size(value) < Number(rule))
}
const most = (size: (value: unknown) => number): Check => {
  return (rule, value) => !(size(value) > Number(rule))
}

const checks: Record<string, Check> = {
  type: (rule, value) => types[rule as string]?.(value) === true,
  enum: (rule, value) => (rule as readonly unknown[]).includes(value),
  const: (rule, value) => rule === value,
  pattern: (rule, value) =>
    typeof value !== 'string' || new RegExp(rule as string, 'u').test(value),
  minLength: least(length),
  maxLength: most(length),
  minItems: least(items),
  maxItems: most(items),
  minProperties: least(members),
  maxProperties: most(members),
  minimum: (rule, value) => typeof value !== 'number' || value >= Number(rule),
  maximum: (rule, value) => typeof value !== 'number' || value <= Number(rule),
  items: (rule, value, ask) => !Array.isArray(value) || value.every((item) => ask(rule, item)),
  properties: (rule, value, ask) =>
    !isMap(value) ||
    Object.entries(rule as JsonObject).every(
      ([name, inner]) => !(name in value) || ask(inner, value[name]),
    ),
  required: (rule, value) =>
    !isMap(value) || (rule as readonly string[]).every((name) => name in value),
  propertyNames: (rule, value, ask) =>
    !isMap(value) || Object.keys(value).every((name) => ask(rule, name)),
  additionalProperties: (rule, value, ask, { schema }) =>
    !isMap(value) ||
    Object.entries(value)
      .filter(([name]) => !(name in ((schema['properties'] ?? {}) as object)))
      .every(([, inner]) => rule !== false && ask(rule, inner)),
  anyOf: (rule, value, ask) => (rule as readonly Json[]).some((inner) => ask(inner, value)),
  allOf: (rule, value, ask) => (rule as readonly Json[]).every((inner) => ask(inner, value)),
  if: (rule, value, ask, { schema }) => !ask(rule, value) || ask(schema['then'], value),
  $ref: (rule, value, ask, { root }) => {
    const name = (rule as string).replace('#/$defs/', '')
    return ask((root['$defs'] as JsonObject)[name], value)
  },
}
