import type { HttpRequest } from '../../policy/index.ts'
import { headerLines, type HeaderLines } from './header-lines.ts'
import { readHost } from './host-header.ts'
import { readTarget } from './request-target.ts'

/** What Node's parser makes of the beginning of a request. */
export interface RequestHead {
  readonly method?: string | undefined
  readonly url?: string | undefined
  readonly httpVersion: string
  readonly rawHeaders: readonly string[]
}

/** Why a request is refused before policy is asked: a closed set, for metrics and for the answer. */
export const requestFaults = {
  malformed: 'it is not HTTP/1.1',
  version: 'only HTTP/1.1 and HTTP/1.0 pass here',
  method: 'CONNECT and TRACE do not pass here',
  target:
    'the target has to be a path without dot segments, "//", "\\", ";" or escapes that hide them',
  host: 'there has to be one Host header with a host name',
  length: 'the length of the body can be read in two ways',
  connection: 'Connection may name only close, keep-alive, te and upgrade',
  upgrade: 'WebSocket is the only upgrade that passes here',
  headers: 'there are too many header lines',
  expect: '100-continue is the only expectation that is understood',
  pipelining: 'too many requests wait for their answers',
} as const
export type RequestFault = keyof typeof requestFaults

/** A request that can be read in one way only. */
export interface CheckedRequest {
  /** For policy. */
  readonly request: HttpRequest
  readonly lines: HeaderLines
  readonly isUpgrade: boolean
}

const mostHeaderLines = 128
const knownOptions: ReadonlySet<string> = new Set(['close', 'keep-alive', 'te', 'upgrade'])

/**
 * Checks what Node's parser lets through and servers read in different ways; refuses instead of
 * repairing, so that policy and application never see two requests where there is one, or the reverse.
 */
export function checkRequest(head: RequestHead): CheckedRequest | RequestFault {
  const { method = '', url = '', httpVersion, rawHeaders } = head
  if (httpVersion !== '1.1' && httpVersion !== '1.0') return 'version'
  if (method === 'CONNECT' || method === 'TRACE') return 'method'
  if (rawHeaders.length > 2 * mostHeaderLines) return 'headers'
  const path = readTarget(url)
  if (path === undefined) return 'target'
  const lines = headerLines(rawHeaders)
  const host = readHost(onlyLine(lines, 'host') ?? '')
  if (host === undefined) return 'host'
  if (!isLengthClear(method, httpVersion, lines)) return 'length'
  const options = connectionOptions(lines)
  if (!options.every((option) => knownOptions.has(option))) return 'connection'
  if (lines.has('expect') && onlyLine(lines, 'expect')?.toLowerCase() !== '100-continue') {
    return 'expect'
  }
  const isUpgrade = lines.has('upgrade') || options.includes('upgrade')
  if (isUpgrade && !isWebSocket(head, lines, options)) return 'upgrade'
  return { request: { method, host, path, headers: lines }, lines, isUpgrade }
}

/** Undefined where there is none, or several. */
function onlyLine(lines: HeaderLines, name: string): string | undefined {
  const values = lines.get(name)
  return values?.length === 1 ? values[0] : undefined
}

/**
 * One way to tell where the body ends (RFC 9112 6.3). Of DELETE and OPTIONS http-proxy takes a chunked
 * body for a second request (CVE-2026-29057), so for them only a Content-Length will do.
 */
function isLengthClear(method: string, httpVersion: string, lines: HeaderLines): boolean {
  const [hasLength, isEncoded] = [lines.has('content-length'), lines.has('transfer-encoding')]
  if (hasLength && !/^[0-9]{1,15}$/.test(onlyLine(lines, 'content-length') ?? '')) return false
  if (!isEncoded) return true
  if (hasLength || httpVersion !== '1.1') return false
  if (method === 'DELETE' || method === 'OPTIONS') return false
  return onlyLine(lines, 'transfer-encoding') === 'chunked'
}

/** A header that Connection names would be removed on the way, perhaps one that policy went by. */
function connectionOptions(lines: HeaderLines): string[] {
  const values = lines.get('connection') ?? []
  return values.flatMap((value) => value.split(',').map((option) => option.trim().toLowerCase()))
}

function isWebSocket(
  { method, httpVersion }: RequestHead,
  lines: HeaderLines,
  options: readonly string[],
): boolean {
  return (
    method === 'GET' &&
    httpVersion === '1.1' &&
    options.includes('upgrade') &&
    onlyLine(lines, 'upgrade')?.toLowerCase() === 'websocket' &&
    onlyLine(lines, 'sec-websocket-version') === '13' &&
    onlyLine(lines, 'sec-websocket-key') !== undefined &&
    !lines.has('transfer-encoding') &&
    (onlyLine(lines, 'content-length') ?? '0') === '0'
  )
}
