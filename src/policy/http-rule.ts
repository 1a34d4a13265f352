import type { MapNode, WrittenNode } from './document-node.ts'
import { fieldLimits } from './limits.ts'
import { pathGlobShape } from './path-glob.ts'
import { optional, record } from './record.ts'
import {
  complain,
  mapOf,
  oneOf,
  oneOrSetOf,
  readItems,
  refuse,
  refused,
  setOf,
  text,
  type Place,
  type Refused,
  type Shape,
} from './shape.ts'

/** What a request has to be: every field that is there has to be met, by one of its values. */
export interface HttpRule {
  readonly methods: readonly HttpMethod[] | undefined
  /** Names of the `Host` header without the port: exact, or `*.` with a name for all below it. */
  readonly hosts: readonly string[] | undefined
  /** See `matchesPath`. */
  readonly paths: readonly string[] | undefined
  /** Exact values by lower-case name. */
  readonly headers: ReadonlyMap<string, readonly string[]> | undefined
}

/** Methods that a policy can name: not CONNECT and TRACE, which are never let through. */
export const httpMethods = [
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
  'QUERY',
  'COPY',
  'LOCK',
  'MKCOL',
  'MOVE',
  'PROPFIND',
  'PROPPATCH',
  'REPORT',
  'SEARCH',
  'UNLOCK',
] as const
export type HttpMethod = (typeof httpMethods)[number]

const label = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?'
const hostForm = new RegExp(`^(?:\\*\\.)?${label}(?:\\.${label})*$`)

const hostShape: Shape<string> = text({
  expects: 'a lower-case host name without a port, such as "orders" or "*.example.com"',
  parse: (name) => (name.length <= 253 && hostForm.test(name) ? name : undefined),
  write: (name) => name,
  schema: { maxLength: 253, pattern: hostForm.source },
})

/** Headers that are about the connection, have a field of their own, or are set by the sidecar. */
const reservedHeaders: readonly string[] = [
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'workload-identity-token',
  'workload-proof-token',
  'x-forwarded-client-cert',
]
const headerForm = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/

const headerName: Shape<string> = text({
  expects: 'a header name of lower-case letters, digits and "-", at most 64 long',
  parse: (name) => {
    const isGood = name.length <= 64 && headerForm.test(name) && !reservedHeaders.includes(name)
    return isGood ? name : undefined
  },
  hint: (name) => (reservedHeaders.includes(name) ? ': that one cannot be asked for' : ''),
  write: (name) => name,
  schema: { maxLength: 64, pattern: headerForm.source },
})

const headerValue: Shape<string> = text({
  expects: 'a header value of 1 to 256 visible ASCII characters, with single spaces between them',
  parse: (value) => (value.length <= 256 && /^[!-~]+(?: [!-~]+)*$/.test(value) ? value : undefined),
  write: (value) => value,
  schema: { maxLength: 256, pattern: '^[!-~]+(?: [!-~]+)*$' },
})

const ruleShape: Shape<HttpRule> = record<HttpRule>({
  expects: 'an http rule',
  fields: {
    methods: optional(setOf(oneOf(httpMethods), httpMethods.length)),
    hosts: optional(setOf(hostShape, fieldLimits.httpHosts)),
    paths: optional(setOf(pathGlobShape, fieldLimits.httpPaths)),
    headers: optional(
      mapOf(
        headerName,
        oneOrSetOf(headerValue, fieldLimits.httpHeaderValues),
        fieldLimits.httpHeaders,
      ),
    ),
  },
  check: refuseEmptyRule,
})

function refuseEmptyRule(rule: HttpRule, { offset }: MapNode, place: Place): void {
  if (Object.values(rule).some((field) => field !== undefined)) return
  complain(offset, place, 'an empty rule is every request: write "paths: [/**]" for that')
}

const expects = `a list of 1 to ${String(fieldLimits.httpRules)} http rules`

/** Rules of which a request has to meet one: a set, like every list in a document. */
export const httpRulesShape: Shape<readonly HttpRule[]> = {
  expects,
  schema: { type: 'array', minItems: 1, maxItems: fieldLimits.httpRules, items: ruleShape.schema },
  read: readRules,
  write: (rules) => rules.map((rule) => ruleShape.write(rule)),
}

function readRules(node: WrittenNode, place: Place): readonly HttpRule[] | Refused {
  if (node.kind !== 'list') return refuse(node, place, expects)
  const rules = readItems(ruleShape, node, place, fieldLimits.httpRules)
  if (rules === refused) return refused
  const byText = new Map(rules.map((rule) => [JSON.stringify(ruleShape.write(rule)), rule]))
  return [...byText].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, rule]) => rule)
}
