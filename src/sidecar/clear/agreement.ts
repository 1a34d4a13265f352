import type { Reason } from '../../policy/reason.ts'
import type { StreamHeader, Tunnel, TunnelStream } from '../../tunnel/index.ts'

/** What the accepting end says first in a stream that may be carried in clear. */
export const answers: Readonly<Record<'tunnel' | 'clear', Buffer>> = {
  /** The data goes on here. */
  tunnel: Buffer.of(0),
  /** The data goes over a connection of its own, which is waited for. */
  clear: Buffer.of(1),
}

/** A stream whose accepting end has said how the data travels. It is paused, and has no handlers of use. */
export interface Agreement {
  readonly how: 'tunnel' | 'clear'
  readonly stream: TunnelStream
  /** What came behind the answer: the first of the data. */
  readonly first: Buffer
}

/** Opens a stream that may be carried in clear, and hears what the accepting end makes of that. */
export async function openStreamThatMayBeClear(
  tunnel: Pick<Tunnel, 'openStream'>,
  header: StreamHeader,
): Promise<Agreement | Reason> {
  const { promise, resolve } = Promise.withResolvers<Agreement | Reason>()
  let resetFor: Reason | undefined
  const stream = tunnel.openStream(
    { ...header, mayBeClear: true },
    {
      onData: (bytes) => {
        if (typeof stream === 'string') return
        stream.pause()
        resolve(agreementOf(stream, bytes))
      },
      onEnd: () => {
        resolve('protocol-error')
      },
      onReset: (reason = 'connection-reset') => {
        resetFor = reason
        resolve(reason)
      },
      onDrain: () => undefined,
    },
  )
  if (typeof stream === 'string') return stream
  const agreement = await promise
  // It may have been reset right behind the answer: whoever handles it next would not hear of that.
  if (resetFor !== undefined) return resetFor
  if (typeof agreement === 'string') stream.reset(agreement)
  return agreement
}

function agreementOf(stream: TunnelStream, bytes: Buffer): Agreement | Reason {
  const first = Buffer.from(bytes.subarray(1))
  if (bytes[0] === answers.tunnel[0]) return { how: 'tunnel', stream, first }
  if (bytes[0] === answers.clear[0] && first.length === 0) return { how: 'clear', stream, first }
  return 'protocol-error'
}
