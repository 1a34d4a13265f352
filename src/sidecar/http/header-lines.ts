/** Header lines by lower-case name, in order. */
export type HeaderLines = ReadonlyMap<string, readonly string[]>

/** From what Node calls raw headers: names and values by turns. */
export function headerLines(raw: readonly string[]): HeaderLines {
  const lines = new Map<string, string[]>()
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = (raw[at] ?? '').toLowerCase()
    lines.getOrInsertComputed(name, () => []).push(raw[at + 1] ?? '')
  }
  return lines
}

/** Who the peer is, as its sidecar proved it. */
export const clientCertHeader = 'x-forwarded-client-cert'

/** How an application is told of a peer: by its SPIFFE ID. */
export function clientCertOf(spiffeId: string): Readonly<Record<string, string>> {
  return { [clientCertHeader]: `URI=${spiffeId}` }
}

/** What only a sidecar may say; an application that maps `_` to `-` would believe either spelling. */
const ourHeaders: ReadonlySet<string> = new Set([
  clientCertHeader,
  'workload-identity-token',
  'workload-proof-token',
])

/** About one connection, not the request; the other connection gets its own. */
const hopHeaders: ReadonlySet<string> = new Set([
  'connection',
  'expect',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'te',
  'upgrade',
])

/** What trailers cannot say, because it was needed before the body (RFC 9110 6.5.1). */
const notInTrailers: ReadonlySet<string> = new Set([
  'authorization',
  'content-encoding',
  'content-length',
  'content-range',
  'content-type',
  'cookie',
  'host',
  'set-cookie',
  'trailer',
  'transfer-encoding',
])

function isOurs(name: string): boolean {
  return ourHeaders.has(name.replaceAll('_', '-'))
}

/** The lines that go on to the other side: without those about the connection, and those only we may set. */
export function forwardedLines(lines: HeaderLines): Map<string, readonly string[]> {
  return new Map(Array.from(lines).filter(([name]) => !isOurs(name) && !hopHeaders.has(name)))
}

/** The trailers that go on, likewise. */
export function forwardedTrailers(raw: readonly string[]): [name: string, value: string][] {
  const lines = forwardedLines(headerLines(raw))
  return Array.from(lines)
    .filter(([name]) => !notInTrailers.has(name.replaceAll('_', '-')))
    .flatMap(([name, values]) => values.map((value): [string, string] => [name, value]))
}
