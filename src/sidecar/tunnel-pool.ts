import { createBackoff, type Backoff } from '../base/backoff.ts'
import type { Clock } from '../base/clock.ts'
import { formatHostPort, type HostPort } from '../base/env.ts'
import { messageOf } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import type { Reason } from '../policy/reason.ts'
import { TunnelError, type Tunnel } from '../tunnel/index.ts'

/** One tunnel for each destination, dialled when it is first needed and shared by all who need it. */
export interface TunnelPool {
  /** An open tunnel, or why there is none: never anything in clear (DESIGN §5). */
  get(destination: HostPort): Promise<Tunnel | Reason>
}

/** A tunnel serves new streams for so long and for so much: Node cannot renew AES-GCM keys (PROTOCOL §4). */
const longestUseMs = 24 * 3_600_000
const mostBytes = 256 * 2 ** 30
const mostFailures = 4_096

interface OpenEntry {
  readonly tunnel: Tunnel
  readonly since: number
}
interface Failure {
  readonly reason: Reason
  readonly until: number
  readonly backoff: Backoff
}

/** A failed dial is remembered for a moment, so that a program that tries again at once is refused at once. */
export function createTunnelPool(options: {
  readonly dial: (destination: HostPort) => Promise<Tunnel>
  readonly clock: Pick<Clock, 'monotonic'>
  readonly log: Logger
}): TunnelPool {
  const { clock, log } = options
  const open = new Map<string, OpenEntry>()
  const dialling = new Map<string, Promise<Tunnel | Reason>>()
  const failures = new Map<string, Failure>()

  const keep = (key: string, tunnel: Tunnel): void => {
    const entry = { tunnel, since: clock.monotonic() }
    open.set(key, entry)
    failures.delete(key)
    void tunnel.closed.then(() => {
      if (open.get(key) === entry) open.delete(key)
    })
  }

  const remember = (key: string, reason: Reason): void => {
    const backoff = failures.get(key)?.backoff ?? createBackoff({ firstMs: 100, longestMs: 3_000 })
    if (failures.size >= mostFailures) failures.clear()
    failures.set(key, { reason, until: clock.monotonic() + backoff.next(), backoff })
  }

  const dial = async (destination: HostPort, key: string): Promise<Tunnel | Reason> => {
    try {
      const tunnel = await options.dial(destination)
      keep(key, tunnel)
      return tunnel
    } catch (error: unknown) {
      const reason = error instanceof TunnelError ? error.reason : 'no-tunnel'
      log.info({ destination: key, reason, error: messageOf(error) }, 'no tunnel')
      remember(key, reason)
      return reason
    } finally {
      dialling.delete(key)
    }
  }

  const usable = (key: string): Tunnel | undefined => {
    const entry = open.get(key)
    if (entry?.tunnel.open !== true) return undefined
    const { tunnel, since } = entry
    const isWorn =
      clock.monotonic() - since > longestUseMs || tunnel.bytesIn + tunnel.bytesOut > mostBytes
    if (!isWorn) return tunnel
    open.delete(key)
    tunnel.retire()
    return undefined
  }

  return {
    get: async (destination) => {
      const key = formatHostPort(destination)
      const tunnel = usable(key)
      if (tunnel !== undefined) return tunnel
      const underWay = dialling.get(key)
      if (underWay !== undefined) return await underWay
      const failure = failures.get(key)
      if (failure !== undefined && clock.monotonic() < failure.until) return failure.reason
      const dialled = dial(destination, key)
      dialling.set(key, dialled)
      return await dialled
    },
  }
}
