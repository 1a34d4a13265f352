import { matchesDnsName } from './dns-name.ts'
import type { HttpRule } from './http-rule.ts'
import { matchesPath, parsePathGlob, type PathGlob } from './path-glob.ts'

/** What of a request decides. Whoever makes one has refused whatever could be read in two ways. */
export interface HttpRequest {
  /** Upper case. */
  readonly method: string
  /** Lower case, without port and final dot. */
  readonly host: string
  /** Segments of the path behind the first `/`, decoded; at most `httpRequestLimits.pathSegments`. */
  readonly path: readonly string[]
  /** Values by lower-case name, one for each line. */
  readonly headers: ReadonlyMap<string, readonly string[]>
}

export const httpRequestLimits = { pathSegments: 256 } as const

/** The http rules of one policy. */
export interface CompiledHttp {
  readonly rules: readonly CompiledRule[]
  /** It restricts, so that whatever could be meant by a header counts. */
  readonly isStrict: boolean
}

interface CompiledRule {
  readonly methods: ReadonlySet<string> | undefined
  readonly hosts: readonly string[] | undefined
  readonly paths: readonly PathGlob[] | undefined
  readonly headers: readonly (readonly [name: string, values: ReadonlySet<string>])[]
}

export function compileHttp(rules: readonly HttpRule[], isStrict: boolean): CompiledHttp {
  const compiled = rules.map(({ methods, hosts, paths, headers }) => ({
    methods: methods && new Set<string>(methods),
    hosts,
    paths: paths?.map(parsePathGlob),
    headers: Array.from(headers ?? [], ([name, values]) => [name, new Set(values)] as const),
  }))
  return { rules: compiled, isStrict }
}

/**
 * Whether a request meets one of the rules. Without a request it is about the connection, before any
 * is known: an allow may then match one, so it does; a deny is left to each of them.
 */
export function meetsHttp({ rules, isStrict }: CompiledHttp, request?: HttpRequest): boolean {
  if (request === undefined) return !isStrict
  return rules.some((rule) => meetsRule(rule, request, isStrict))
}

function meetsRule(rule: CompiledRule, request: HttpRequest, isStrict: boolean): boolean {
  const { methods, hosts, paths, headers } = rule
  if (methods !== undefined && !methods.has(request.method)) return false
  if (hosts !== undefined && !hosts.some((host) => matchesDnsName(request.host, host))) return false
  if (paths !== undefined && !paths.some((glob) => matchesPath(glob, request.path))) return false
  return headers.every(([name, values]) => meetsHeader(values, request.headers.get(name), isStrict))
}

/**
 * An application may take the first line of a header, the last, or one of a list in it. An allow
 * therefore wants each line to be a value that it names, a deny is content with any part of any line.
 */
function meetsHeader(
  wanted: ReadonlySet<string>,
  lines: readonly string[] | undefined,
  isStrict: boolean,
): boolean {
  if (lines === undefined || lines.length === 0) return false
  if (!isStrict) return lines.every((line) => wanted.has(line))
  return lines.some(
    (line) => wanted.has(line) || line.split(',').some((part) => wanted.has(part.trim())),
  )
}
