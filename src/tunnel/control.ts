import { controlMessageCodec } from '../rpc/index.ts'
import { isReason, type Reason } from '../policy/reason.ts'
import { quote } from '../base/errors.ts'
import { canonicalAddress, type Endpoint } from './endpoint.ts'
import { TunnelError } from './tunnel-error.ts'

/** The messages of the control stream, checked. */
export type ControlMessage =
  | HelloMessage
  | ReauthenticateMessage
  | { readonly kind: 'result'; readonly sequence: number; readonly refusal: Reason | undefined }
  | { readonly kind: 'notice'; readonly streamId: number; readonly reason: Reason }

export interface HelloMessage {
  readonly kind: 'hello'
  /** The full profile, canonical DER, not yet compared with the certificate's digest. */
  readonly profile: Buffer
  /** The dialling end: the pair it dialled; the accepting end: the pair on which it accepted. */
  readonly endpoint: Endpoint
}

export interface ReauthenticateMessage {
  readonly kind: 'reauthenticate'
  readonly sequence: number
  readonly chain: readonly Buffer[]
  readonly profile: Buffer
  readonly signature: Buffer
}

const protocolVersion = 1
const prefixBytes = 4
export const maxMessageBytes: number = 256 * 1024
const maxChainLength = 4

/** Encodes one message with its length in front; throws `TunnelError` when it is too large to be sent. */
export function encodeControlMessage(message: ControlMessage): Buffer {
  const body = controlMessageCodec.encode(toWire(message))
  if (body.length > maxMessageBytes) throw problem(`a message of ${String(body.length)} bytes`)
  const out = Buffer.allocUnsafe(prefixBytes + body.length)
  out.writeUInt32BE(body.length)
  body.copy(out, prefixBytes)
  return out
}

/** Collects the bytes of the control stream; one message is held at most. */
export class ControlReader {
  readonly #onMessage: (message: ControlMessage) => void
  readonly #prefix: Buffer = Buffer.alloc(prefixBytes)
  #prefixFilled = 0
  #body: Buffer | undefined
  #bodyFilled = 0

  constructor(onMessage: (message: ControlMessage) => void) {
    this.#onMessage = onMessage
  }

  /** Throws `TunnelError` for what is oversized, malformed or unknown. */
  push(bytes: Buffer): void {
    for (let at = 0; at < bytes.length;) {
      at +=
        this.#body === undefined
          ? this.#takePrefix(bytes, at)
          : this.#takeBody(this.#body, bytes, at)
    }
  }

  #takePrefix(bytes: Buffer, at: number): number {
    const copied = bytes.copy(this.#prefix, this.#prefixFilled, at)
    this.#prefixFilled += copied
    if (this.#prefixFilled < prefixBytes) return copied
    const length = this.#prefix.readUInt32BE()
    if (length === 0 || length > maxMessageBytes) {
      throw problem(
        `expected 1 to ${String(maxMessageBytes)} bytes, got ${String(length)} announced`,
      )
    }
    this.#prefixFilled = 0
    this.#body = Buffer.allocUnsafe(length)
    this.#bodyFilled = 0
    return copied
  }

  #takeBody(body: Buffer, bytes: Buffer, at: number): number {
    const copied = bytes.copy(body, this.#bodyFilled, at)
    this.#bodyFilled += copied
    if (this.#bodyFilled === body.length) {
      this.#body = undefined
      this.#onMessage(decodeControlMessage(body))
    }
    return copied
  }
}

/** Decodes the body of one message; throws `TunnelError` for anything that is not exactly one of ours. */
export function decodeControlMessage(body: Buffer): ControlMessage {
  const { kind, ...members } = decodeWire(body)
  // The decoder keeps every member of the union that was sent, and calls the last one the kind.
  if (Object.keys(members).length > 1) throw problem('a message of several kinds')
  if (members.hello) return helloOf(members.hello)
  if (members.reauthenticate) return reauthenticateOf(members.reauthenticate)
  if (members.reauthenticateResult) return resultOf(members.reauthenticateResult)
  if (members.streamNotice) return noticeOf(members.streamNotice)
  throw problem(`a message of no kind (${quote(kind ?? '')})`)
}

type Wire = ReturnType<typeof controlMessageCodec.decode>

function decodeWire(body: Buffer): Wire {
  try {
    return controlMessageCodec.decode(body)
  } catch (cause: unknown) {
    throw problem('a message that does not decode', cause)
  }
}

function helloOf(wire: NonNullable<Wire['hello']>): HelloMessage {
  if (wire.version !== protocolVersion) {
    throw problem(`expected version ${String(protocolVersion)}, got ${String(wire.version)}`)
  }
  if (wire.profile.length === 0) throw problem('a Hello without profile')
  if (wire.endpoint === null) throw problem('a Hello without endpoint')
  const { address, port } = wire.endpoint
  if (canonicalAddress(address) !== address) {
    throw problem(`expected an address in canonical form, got ${quote(address)}`)
  }
  if (port < 1 || port > 65_535) throw problem(`expected a port, got ${String(port)}`)
  return { kind: 'hello', profile: wire.profile, endpoint: { address, port } }
}

function reauthenticateOf(wire: NonNullable<Wire['reauthenticate']>): ReauthenticateMessage {
  if (wire.chain.length === 0 || wire.chain.length > maxChainLength) {
    throw problem(
      `expected a chain of 1 to ${String(maxChainLength)} certificates, got ${String(wire.chain.length)}`,
    )
  }
  const { sequence, chain, profile, signature } = wire
  return { kind: 'reauthenticate', sequence, chain, profile, signature }
}

function resultOf(wire: NonNullable<Wire['reauthenticateResult']>): ControlMessage {
  const { sequence, reason } = wire
  return { kind: 'result', sequence, refusal: reason === '' ? undefined : knownReason(reason) }
}

function noticeOf(wire: NonNullable<Wire['streamNotice']>): ControlMessage {
  return { kind: 'notice', streamId: wire.streamId, reason: knownReason(wire.reason) }
}

function knownReason(text: string): Reason {
  if (!isReason(text)) throw problem(`unknown reason ${quote(text)}`)
  return text
}

function toWire(message: ControlMessage): Parameters<typeof controlMessageCodec.encode>[0] {
  switch (message.kind) {
    case 'hello': {
      const { profile, endpoint } = message
      return { hello: { version: protocolVersion, profile, endpoint } }
    }
    case 'reauthenticate': {
      const { sequence, chain, profile, signature } = message
      return { reauthenticate: { sequence, chain: [...chain], profile, signature } }
    }
    case 'result':
      return {
        reauthenticateResult: { sequence: message.sequence, reason: message.refusal ?? '' },
      }
    case 'notice':
      return { streamNotice: { streamId: message.streamId, reason: message.reason } }
    default:
      return message satisfies never
  }
}

function problem(message: string, cause?: unknown): TunnelError {
  return new TunnelError('ERR_CONTROL_MESSAGE', 'protocol-error', `control stream: ${message}`, {
    cause,
  })
}
