import { addressBytes, addressText, type Endpoint } from './endpoint.ts'
import { quote } from '../base/errors.ts'
import { TunnelError } from './tunnel-error.ts'

/** What every stream but the control stream begins with: where the connection was going, and its flow. */
export interface StreamHeader {
  /** The client as the dialling end saw it: for display, never for a decision. */
  readonly source: Endpoint
  /** The original destination. */
  readonly destination: Endpoint
  /** 16 bytes in lower-case hex: the two ends report the flow under the same id. */
  readonly flowId: string
  /** The dialling end may carry the data beside the tunnel, in clear, if the accepting end may as well. */
  readonly mayBeClear?: true
}

/** The PROXY protocol's version 2 signature (haproxy's proxy-protocol.txt, section 2.2). */
const signature = Buffer.from('0d0a0d0a000d0a515549540a', 'hex')
/** Signature, version and command, family and protocol, length. */
export const fixedHeaderBytes = 16
const proxyCommand = 0x21
const families = [
  { code: 0x11, addressBytes: 4 },
  { code: 0x21, addressBytes: 16 },
] as const
const uniqueIdType = 0x05
const flowIdBytes = 16
const tlvBytes = 3 + flowIdBytes
/** The first of the types that the specification leaves to applications; it has no value. */
const mayBeClearType = 0xe0
const mayBeClearTlv = Buffer.from([mayBeClearType, 0, 0])

/** Encodes a header; throws `TunnelError` for addresses of two families, or anything that is no address. */
export function encodeStreamHeader(header: StreamHeader): Buffer {
  const source = bytesOf(header.source)
  const destination = bytesOf(header.destination)
  const family = families.find((candidate) => candidate.addressBytes === source.length)
  if (family === undefined || source.length !== destination.length) {
    throw problem('expected source and destination of one address family')
  }
  if (header.destination.port === 0) throw problem('expected a destination port, got 0')
  const extra = header.mayBeClear === true ? mayBeClearTlv.length : 0
  const bodyBytes = 2 * family.addressBytes + 4 + tlvBytes + extra
  const out = Buffer.allocUnsafe(fixedHeaderBytes + bodyBytes)
  signature.copy(out)
  out[12] = proxyCommand
  out[13] = family.code
  out.writeUInt16BE(bodyBytes, 14)
  let at = fixedHeaderBytes
  out.set(source, at)
  out.set(destination, at + source.length)
  at += 2 * source.length
  at = out.writeUInt16BE(header.source.port, at)
  at = out.writeUInt16BE(header.destination.port, at)
  out[at] = uniqueIdType
  out.writeUInt16BE(flowIdBytes, at + 1)
  out.set(flowIdOf(header.flowId), at + 3)
  if (extra > 0) out.set(mayBeClearTlv, at + tlvBytes)
  return out
}

/** Length of the whole header by its first 16 bytes; throws `TunnelError` unless it is exactly one of ours. */
export function streamHeaderLength(fixed: Buffer): number {
  const family = familyOf(fixed)
  const expected = 2 * family.addressBytes + 4 + tlvBytes
  const length = fixed.readUInt16BE(14)
  if (length !== expected && length !== expected + mayBeClearTlv.length) {
    throw problem(`expected a length of ${String(expected)}, got ${String(length)}`)
  }
  return fixedHeaderBytes + length
}

/** Decodes a whole header; throws `TunnelError` for everything that the encoder does not write. */
export function decodeStreamHeader(bytes: Buffer): StreamHeader {
  if (bytes.length < fixedHeaderBytes) throw problem('cut off')
  if (bytes.length !== streamHeaderLength(bytes))
    throw problem('cut off or followed by other bytes')
  const size = familyOf(bytes).addressBytes
  const ports = fixedHeaderBytes + 2 * size
  const destinationPort = bytes.readUInt16BE(ports + 2)
  if (destinationPort === 0) throw problem('expected a destination port, got 0')
  return {
    source: {
      address: addressAt(bytes, fixedHeaderBytes, size),
      port: bytes.readUInt16BE(ports),
    },
    destination: {
      address: addressAt(bytes, fixedHeaderBytes + size, size),
      port: destinationPort,
    },
    flowId: flowIdAt(bytes, ports + 4),
    ...mayBeClearAt(bytes, ports + 4 + tlvBytes),
  }
}

function mayBeClearAt(bytes: Buffer, at: number): Pick<StreamHeader, 'mayBeClear'> {
  if (at === bytes.length) return {}
  if (!bytes.subarray(at).equals(mayBeClearTlv)) throw problem('expected a TLV of ours')
  return { mayBeClear: true }
}

function familyOf(bytes: Buffer): (typeof families)[number] {
  if (!bytes.subarray(0, signature.length).equals(signature)) throw problem('wrong signature')
  const command = bytes.readUInt8(12)
  if (command !== proxyCommand) {
    throw problem(`expected version 2 and command PROXY, got 0x${command.toString(16)}`)
  }
  const code = bytes.readUInt8(13)
  const family = families.find((candidate) => candidate.code === code)
  if (family === undefined)
    throw problem(`expected TCP over IPv4 or IPv6, got 0x${code.toString(16)}`)
  return family
}

function addressAt(bytes: Buffer, at: number, size: number): string {
  const raw = bytes.subarray(at, at + size)
  const text = addressText(raw)
  // A mapped IPv4 address is a second spelling of an address that has one already.
  if (size === 16 && addressBytes(text)?.length !== size) {
    throw problem('an IPv4 address in the form of an IPv6 address')
  }
  return text
}

function flowIdAt(bytes: Buffer, at: number): string {
  const type = bytes.readUInt8(at)
  const length = bytes.readUInt16BE(at + 1)
  if (type !== uniqueIdType || length !== flowIdBytes) {
    throw problem(
      `expected a flow id of 16 bytes, got a TLV of type ${String(type)}, ${String(length)} bytes`,
    )
  }
  return bytes.toString('hex', at + 3, at + 3 + flowIdBytes)
}

function bytesOf(endpoint: Endpoint): Uint8Array {
  const bytes = addressBytes(endpoint.address)
  if (bytes === undefined) throw problem(`expected an IP address, got ${quote(endpoint.address)}`)
  if (!Number.isInteger(endpoint.port) || endpoint.port < 0 || endpoint.port > 65_535) {
    throw problem(`expected a port, got ${String(endpoint.port)}`)
  }
  return bytes
}

function flowIdOf(text: string): Buffer {
  if (!/^[0-9a-f]{32}$/.test(text)) throw problem(`expected a flow id in hex, got ${quote(text)}`)
  return Buffer.from(text, 'hex')
}

function problem(message: string): TunnelError {
  return new TunnelError('ERR_STREAM_HEADER', 'protocol-error', `stream header: ${message}`)
}
