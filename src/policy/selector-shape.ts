import { messageOf, quote } from '../base/errors.ts'
import {
  checkKey,
  checkValue,
  familyOf,
  isAtLeast,
  isProvenance,
  provenances,
  type Provenance,
} from '../identity/attributes.ts'
import { families } from '../identity/families.ts'
import { didYouMean } from './did-you-mean.ts'
import type { DocumentNode, JsonObject, MapField, MapNode } from './document-node.ts'
import { anyService, externalNameKey, isExternal } from './external-words.ts'
import { fieldLimits } from './limits.ts'
import {
  defaultNeed,
  requiresValue,
  type Alternative,
  type Selector,
  type Term,
} from './selector.ts'
import {
  complain,
  oneOrSetOf,
  placeOf,
  readItems,
  readNode,
  refuse,
  refused,
  type Refused,
  text,
  wrongCount,
  type Place,
  type Shape,
} from './shape.ts'

/** Whole keys by name, so that editors can offer them; members of open families by their form. */
const selectorKeySchema: JsonObject = {
  anyOf: [
    { enum: families.map(({ key }) => key).filter((key) => !key.endsWith('.*')) },
    { pattern: `^[a-z0-9_][a-z0-9_.:/-]*(?:@(?:${provenances.join('|')}))?$` },
  ],
}

/**
 * Selectors as they are written (POLICY, "Selectors"): a map is *and* over keys, a list of values is
 * *or*, a list of maps is *or*. `need` is the provenance of a key that does not name one. Peers
 * outside the mesh can be meant only where `external` says so.
 */
export function selectorShape(
  need: Provenance,
  { external = false }: { readonly external?: boolean } = {},
): Shape<Selector> {
  const map = alternativeShape(need, external)
  const expects = `a selector (a map such as { label.app: web }, or a list of up to ${String(fieldLimits.selectorMaps)} of them)`
  return {
    expects,
    schema: {
      anyOf: [
        map.schema,
        { type: 'array', minItems: 1, maxItems: fieldLimits.selectorMaps, items: map.schema },
      ],
    },
    read: (node, place) => {
      if (node.kind === 'list') return readItems(map, node, place, fieldLimits.selectorMaps)
      if (node.kind === 'scalar') return refuse(node, place, expects, anybodyHint(node.value))
      const alternative = map.read(node, place)
      return alternative === refused ? refused : [alternative]
    },
    write: (selector) => {
      const [first, ...others] = selector.map((alternative) => map.write(alternative))
      return first !== undefined && others.length === 0
        ? first
        : selector.map((alternative) => map.write(alternative))
    },
  }
}

function anybodyHint(written: unknown): string {
  return written === null || written === '*' ? '; write {} for every workload' : ''
}

function alternativeShape(need: Provenance, external: boolean): Shape<Alternative> {
  const expects = 'a map such as { label.app: web }'
  const map: JsonObject = {
    type: 'object',
    maxProperties: fieldLimits.selectorKeys,
    propertyNames: selectorKeySchema,
    additionalProperties: values.schema,
  }
  return {
    expects,
    schema: external ? { ...map, properties: { external: map } } : map,
    read: (node, place) => {
      if (node.kind !== 'map') return refuse(node, place, expects)
      const field = external ? node.fields.find(({ name }) => name === 'external') : undefined
      return field === undefined
        ? readMap(node, place, need)
        : readExternal(node, field, place, need)
    },
    write: (alternative): JsonObject =>
      isExternal(alternative)
        ? { external: writeMap(alternative.flatMap(nameTerm), need) }
        : writeMap(alternative, need),
  }
}

function writeMap(alternative: Alternative, need: Provenance): JsonObject {
  return Object.fromEntries(
    alternative.map((term) => [spellKey(term, need), values.write(spellTests(term))]),
  )
}

/** What `external: { name: ... }` is called inside a document, and in a profile. */
const nameField = 'name'

/** A term about the name as it is written; none where any name will do. */
function nameTerm(term: Term): Term[] {
  if (term.key !== externalNameKey) return [term]
  return term.present ? [] : [{ ...term, key: nameField, need: defaultNeed }]
}

function readExternal(
  node: MapNode,
  { offset, value }: MapField,
  place: Place,
  need: Provenance,
): Alternative | Refused {
  if (node.fields.length > 1) {
    return complain(offset, place, '"external" stands alone in its map: no workload is external')
  }
  const inside = placeOf(place, 'external')
  if (value.kind === 'refused') return refused
  if (value.kind !== 'map') return refuse(value, inside, 'a map such as { name: payments-api }')
  const fields = value.fields.filter(({ name }) => name !== nameField)
  const named = value.fields.find(({ name }) => name === nameField)
  const name = named === undefined ? anyService : readName(named, inside)
  const terms = readMap({ ...value, fields }, inside, need)
  return name === refused || terms === refused ? refused : [name, ...terms]
}

function readName(field: MapField, place: Place): Term | Refused {
  const tests = readTests(field.value, placeOf(place, nameField))
  if (tests === refused) return refused
  if (tests.absent) return complain(field.offset, place, 'every external service has a name')
  return tests.present ? anyService : { ...anyService, ...tests }
}

function readMap(node: MapNode, place: Place, need: Provenance): Alternative | Refused {
  if (node.fields.length > fieldLimits.selectorKeys) {
    return complain(node.offset, place, wrongCount(fieldLimits.selectorKeys, node.fields.length))
  }
  const before = place.problems.count
  const terms = new Map<string, Term>()
  for (const field of node.fields) {
    const term = readTerm(field, place, need)
    if (term === refused) continue
    const spelled = spellKey(term, need)
    if (terms.has(spelled)) {
      complain(field.offset, place, `the key ${quote(spelled)} stands here twice`)
    }
    terms.set(spelled, term)
  }
  if (place.problems.count > before || terms.size < node.fields.length) return refused
  if (!namesAccountOfTags(node, [...terms.values()], place)) return refused
  return Array.from(terms)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, term]) => term)
}

function readTerm(field: MapField, place: Place, need: Provenance): Term | Refused {
  const key = readKey(field, place, need)
  const tests = readTests(field.value, placeOf(place, field.name))
  return key === refused || tests === refused ? refused : { ...key, ...tests }
}

type KeyOfTerm = Pick<Term, 'key' | 'need'>

function readKey({ name, offset }: MapField, place: Place, need: Provenance): KeyOfTerm | Refused {
  if (name === 'external') {
    return complain(offset, place, 'external services cannot be meant here, only workloads')
  }
  if (name.startsWith(externalNameKey)) {
    return complain(offset, place, 'write { external: { name: ... } } for an external service')
  }
  const at = name.lastIndexOf('@')
  const key = at === -1 ? name : name.slice(0, at)
  const suffix = at === -1 ? need : name.slice(at + 1)
  if (!isProvenance(suffix)) {
    const known = provenances.join(', ')
    const message = `expected one of ${known} behind "@", got ${quote(suffix)}`
    return complain(offset, place, message + didYouMean(suffix, provenances))
  }
  const wrong = wrongKey(key, suffix)
  return wrong === undefined ? { key, need: suffix } : complain(offset, place, wrong)
}

/** Why no profile can ever have this key at this provenance, or undefined. */
export function wrongKey(key: string, need: Provenance): string | undefined {
  try {
    checkKey(key)
  } catch (error: unknown) {
    return messageOf(error)
  }
  const family = familyOf(key)
  if (family === undefined) return `no attribute is called ${quote(key)}${nearKey(key)}`
  if (isAtLeast(family.provenance, need)) return undefined
  const weaker = `${key}@${family.provenance}`
  return `${quote(key)} is ${family.provenance} at best and ${need} is asked for; write ${quote(weaker)} to accept it`
}

/** For a key such as `lable.app` the open families count as well, with the rest of the key. */
function nearKey(key: string): string {
  const known = families.map((family) => {
    if (!family.key.endsWith('.*')) return family.key
    const prefix = family.key.slice(0, -1)
    return (
      prefix +
      key
        .split('.')
        .slice(prefix.split('.').length - 1)
        .join('.')
    )
  })
  return didYouMean(key, known)
}

type TestsOfTerm = Omit<Term, 'key' | 'need'>

const valueShape: Shape<string> = text({
  expects: "a value, '*' (present), '!x' (present and not x) or '!*' (absent)",
  parse: (written) => (wrongValue(written) === undefined ? written : undefined),
  hint: (written) => `: ${wrongValue(written) ?? ''}`,
  write: (written) => written,
})

function wrongValue(written: string): string | undefined {
  const value = written.startsWith('!') ? written.slice(1) : written
  if (written === '!') return "there is no value behind '!'"
  if (value === '*') return undefined
  if (value.includes('*')) return "'*' stands for any value only when it stands alone"
  try {
    checkValue(value)
    return undefined
  } catch (error: unknown) {
    return messageOf(error)
  }
}

const values = oneOrSetOf(valueShape, fieldLimits.selectorValues)

function readTests(node: DocumentNode, place: Place): TestsOfTerm | Refused {
  const written = readNode(values, node, place)
  if (written === refused) return refused
  const excepted = written.filter((value) => value.startsWith('!') && value !== '!*')
  // In an "or", `!a` beside `b` or `!b` is true for nearly everything: never what was meant.
  if (excepted.length > 0 && written.some((value) => value !== '!*' && value !== excepted[0])) {
    const message = `a list means "or", so ${quote(excepted[0] ?? '')} can stand only alone or beside "!*"`
    return complain(node.offset, place, message)
  }
  return {
    anyOf: written.filter((value) => value !== '*' && !value.startsWith('!')),
    except: excepted[0]?.slice(1),
    present: written.includes('*'),
    absent: written.includes('!*'),
  }
}

function spellTests(term: Term): readonly string[] {
  const { anyOf, except, present, absent } = term
  const marks = [...(absent ? ['!*'] : []), ...(except === undefined ? [] : [`!${except}`])]
  return [...marks, ...(present ? ['*'] : []), ...anyOf].sort((a, b) => (a < b ? -1 : 1))
}

/** The key of a term with its provenance, as it is written where `usual` is the default. */
export function spellKey({ key, need }: KeyOfTerm, usual: Provenance): string {
  return need === usual ? key : `${key}@${need}`
}

const keysOfAnAccount = new Set(['aws.iam-role', 'aws.security-group', 'aws.asg'])

/** Whether a key is set by whoever administers the account, so that it means nothing without it. */
export function isKeyOfAnAccount(key: string): boolean {
  return key.startsWith('aws.tag.') || keysOfAnAccount.has(key)
}

/**
 * Whoever may tag in any bound account could otherwise be anyone; `tagsTrusted` says that every
 * account concerned is bound with `tags: trusted`.
 */
function namesAccountOfTags(node: MapNode, terms: readonly Term[], place: Place): boolean {
  const tag = terms.find(({ key }) => isKeyOfAnAccount(key))
  if (place.tagsTrusted === true || tag === undefined || terms.some(namesAccount)) return true
  const field = node.fields.find(({ name }) => name.split('@', 1)[0] === tag.key)
  const message = `a selector on ${quote(tag.key)} must also name "aws.account" by value: any bound account could set it`
  complain(field?.offset ?? node.offset, place, message)
  return false
}

/** Whether a selector meets only profiles of accounts that it names. */
export function isOfNamedAccounts(selector: Selector): boolean {
  return selector.every((alternative) => alternative.some(namesAccount))
}

function namesAccount(term: Term): boolean {
  return term.key === 'aws.account' && requiresValue(term) && isAtLeast(term.need, 'observed')
}
