import type { Reason } from '../policy/reason.ts'
import {
  ControlReader,
  encodeControlMessage,
  type ControlMessage,
  type HelloMessage,
} from './control.ts'
import type { StreamHandlers, TunnelStream } from './stream.ts'
import { TunnelError } from './tunnel-error.ts'

export interface ControlChannelOptions {
  readonly onHello: (message: HelloMessage) => void
  /** Every message after the Hello. */
  readonly onMessage: (message: Exclude<ControlMessage, HelloMessage>) => void
  /** The peer broke a rule of the control stream. */
  readonly onViolation: (error: TunnelError) => void
  /** The peer closed the tunnel, and why if it said so. */
  readonly onClosed: (reason: Reason | undefined) => void
}

/** One end of the control stream: Hello is the first message, and comes once. */
export class ControlChannel {
  readonly #options: ControlChannelOptions
  readonly #reader: ControlReader
  #stream: TunnelStream | undefined
  #greeted = false

  constructor(options: ControlChannelOptions) {
    this.#options = options
    this.#reader = new ControlReader((message) => {
      this.#receive(message)
    })
  }

  attach(stream: TunnelStream): void {
    this.#stream = stream
  }

  handlers(): StreamHandlers {
    return {
      onData: (bytes) => {
        this.#read(bytes)
      },
      onEnd: () => {
        this.#options.onViolation(violation('ended by the peer'))
      },
      onReset: (reason) => {
        this.#options.onClosed(reason)
      },
      onDrain: () => undefined,
    }
  }

  /** Throws `TunnelError` when the peer has let a megabyte of messages pile up. */
  send(message: ControlMessage): void {
    this.#stream?.write(encodeControlMessage(message))
  }

  #read(bytes: Buffer): void {
    try {
      this.#reader.push(bytes)
    } catch (error: unknown) {
      if (!(error instanceof TunnelError)) throw error
      this.#options.onViolation(error)
    }
  }

  #receive(message: ControlMessage): void {
    if (message.kind === 'hello') {
      if (this.#greeted) throw violation('a second Hello')
      this.#greeted = true
      this.#options.onHello(message)
    } else {
      if (!this.#greeted) throw violation(`expected Hello first, got ${message.kind}`)
      this.#options.onMessage(message)
    }
  }
}

function violation(message: string): TunnelError {
  return new TunnelError('ERR_CONTROL_MESSAGE', 'protocol-error', `control stream: ${message}`)
}
