import { addressBytes } from './endpoint.ts'
import { TunnelError } from './tunnel-error.ts'

/** How many handshakes may be under way: in all, and for one source. */
export interface HandshakeSlots {
  readonly taken: number
  /** Takes a slot for a source address, and returns how to free it; throws `ERR_TUNNEL_LIMIT` where there is none. */
  take(source: string): () => void
}

export function createHandshakeSlots(most: number, mostPerSource: number): HandshakeSlots {
  const bySource = new Map<string, number>()
  let taken = 0

  const free = (source: string): void => {
    taken -= 1
    const left = (bySource.get(source) ?? 0) - 1
    if (left > 0) bySource.set(source, left)
    else bySource.delete(source)
  }

  return {
    get taken() {
      return taken
    },
    take: (address) => {
      if (taken >= most) throw full('too many handshakes at once')
      const source = sourceOf(address)
      const own = bySource.get(source) ?? 0
      if (own >= mostPerSource) throw full('too many handshakes of one source at once')
      bySource.set(source, own + 1)
      taken += 1
      return () => {
        free(source)
      }
    },
  }
}

const networkBytes = 8

/** What counts as one source: an IPv4 address, or the /64 that one IPv6 host has to itself. */
function sourceOf(address: string): string {
  const bytes = addressBytes(address.replace(/%.*$/, ''))
  if (bytes?.length !== 16) return bytes?.join('.') ?? ''
  return Buffer.from(bytes.subarray(0, networkBytes)).toString('hex')
}

function full(message: string): TunnelError {
  return new TunnelError('ERR_TUNNEL_LIMIT', 'limit-reached', message)
}
