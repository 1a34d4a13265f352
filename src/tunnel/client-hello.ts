/** What the first bytes of a connection are. */
export type FirstBytes =
  | { readonly kind: 'incomplete' } // so far they could be a ClientHello
  | { readonly kind: 'other' }
  | ({ readonly kind: 'client-hello' } & ClientHello)

/** What a TLS client asks for. */
export interface ClientHello {
  readonly protocols: readonly string[]
  /** The name of the server (SNI), in lower case; undefined where it names none. */
  readonly serverName: string | undefined
}

/** Bytes of a ClientHello, records included; beyond it nothing is one. */
export const maxClientHelloBytes = 16_384

const handshakeRecord = 22
const clientHello = 1
const serverNameExtension = 0
const alpnExtension = 16
const hostName = 0
const incomplete: FirstBytes = { kind: 'incomplete' }
const other: FirstBytes = { kind: 'other' }

/** Reads a TLS ClientHello with the protocols and the server it asks for, however it is split into records. */
export function readClientHello(bytes: Buffer): FirstBytes {
  const message = gatherHandshake(bytes)
  if (message === undefined) return other
  if (message.length > 0 && message[0] !== clientHello) return other
  const length = message.length < 4 ? undefined : message.readUIntBE(1, 3)
  if (length !== undefined && length > maxClientHelloBytes) return other
  if (length === undefined || message.length < 4 + length) {
    return bytes.length >= maxClientHelloBytes ? other : incomplete
  }
  try {
    const extensions = extensionsOf(message.subarray(4, 4 + length))
    return {
      kind: 'client-hello',
      protocols: protocolsOf(extensions.get(alpnExtension)),
      serverName: serverNameOf(extensions.get(serverNameExtension)),
    }
  } catch (error: unknown) {
    // A length that points beyond its place: not a ClientHello.
    if (error instanceof RangeError) return other
    throw error
  }
}

/** What the handshake records hold so far; undefined where the bytes are something else. */
function gatherHandshake(bytes: Buffer): Buffer | undefined {
  const parts: Buffer[] = []
  for (let at = 0; at < bytes.length;) {
    if (bytes[at] !== handshakeRecord) return at === 0 ? undefined : Buffer.concat(parts)
    if ((bytes[at + 1] ?? 3) !== 3) return undefined
    if (bytes.length < at + 5) break
    const length = bytes.readUInt16BE(at + 3)
    if (length === 0 || length > maxClientHelloBytes) return undefined
    parts.push(bytes.subarray(at + 5, at + 5 + length))
    at += 5 + length
  }
  return Buffer.concat(parts)
}

function extensionsOf(hello: Buffer): Map<number, Buffer> {
  const extensions = new Map<number, Buffer>()
  let at = 2 + 32
  at += 1 + hello.readUInt8(at)
  at += 2 + hello.readUInt16BE(at)
  at += 1 + hello.readUInt8(at)
  // Extensions may be absent.
  const end = at === hello.length ? at : at + 2 + hello.readUInt16BE(at)
  if (end > hello.length) throw new RangeError('extensions beyond the message')
  for (at += 2; at < end;) {
    const type = hello.readUInt16BE(at)
    const length = hello.readUInt16BE(at + 2)
    if (at + 4 + length > end) throw new RangeError('an extension beyond its list')
    // RFC 8446, section 4.2: one of each, so that nobody reads another than the server does.
    if (extensions.has(type)) throw new RangeError('an extension twice')
    extensions.set(type, hello.subarray(at + 4, at + 4 + length))
    at += 4 + length
  }
  return extensions
}

function protocolsOf(extension: Buffer | undefined): string[] {
  const names: string[] = []
  if (extension === undefined) return names
  for (let at = 2; at < extension.length;) {
    const length = extension.readUInt8(at)
    if (at + 1 + length > extension.length) throw new RangeError('a name beyond its list')
    names.push(extension.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  return names
}

/** Exactly one name, of a host (RFC 6066, section 3). */
function serverNameOf(extension: Buffer | undefined): string | undefined {
  if (extension === undefined) return undefined
  const length = extension.readUInt16BE(3)
  const isOne = extension.readUInt8(2) === hostName && extension.readUInt16BE(0) === 3 + length
  if (!isOne || extension.length !== 5 + length) throw new RangeError('not one name of a host')
  return extension.toString('latin1', 5).toLowerCase()
}
