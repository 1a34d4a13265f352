import { createBackoff, type Backoff } from '../base/backoff.ts'
import type { Clock } from '../base/clock.ts'
import { formatHostPort, type HostPort } from '../base/env.ts'
import { messageOf } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import type { Reason } from '../policy/reason.ts'
import { TunnelError, type Tunnel } from '../tunnel/index.ts'

/**
 * A few tunnels for each destination, dialled when they are needed and shared by all who need them: a
 * new stream takes one that carries no bulk.
 */
export interface TunnelPool {
  /** An open tunnel, or why there is none: never anything in clear (DESIGN §5). */
  get(destination: HostPort): Promise<Tunnel | Reason>
  /** How many destinations there are with exactly so many tunnels, from 1 to `mostTunnels`. */
  destinationsWith(tunnels: number): number
}

/** A tunnel serves new streams for so long and for so much: Node cannot renew AES-GCM keys (PROTOCOL §4). */
const longestUseMs = 24 * 3_600_000
const mostBytes = 256 * 2 ** 30
const mostFailures = 4_096
/** To one destination; with bulk in all of them, streams share. */
export const mostTunnels = 4

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
  const open = new Map<string, OpenEntry[]>()
  const dialling = new Map<string, Promise<Tunnel | Reason>>()
  const failures = new Map<string, Failure>()

  const keep = (key: string, tunnel: Tunnel): void => {
    const entry = { tunnel, since: clock.monotonic() }
    open.set(key, [...(open.get(key) ?? []), entry])
    failures.delete(key)
    void tunnel.closed.then(() => {
      drop(key, entry)
    })
  }

  const drop = (key: string, entry: OpenEntry): void => {
    const others = (open.get(key) ?? []).filter((other) => other !== entry)
    if (others.length > 0) open.set(key, others)
    else open.delete(key)
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

  const isWorn = ({ tunnel, since }: OpenEntry): boolean =>
    clock.monotonic() - since > longestUseMs || tunnel.bytesIn + tunnel.bytesOut > mostBytes

  /** Those that take new streams; worn ones are retired. */
  const usable = (key: string): readonly Tunnel[] => {
    const entries = open.get(key) ?? []
    for (const entry of entries.filter(isWorn)) {
      drop(key, entry)
      entry.tunnel.retire()
    }
    return (open.get(key) ?? []).map(({ tunnel }) => tunnel).filter((tunnel) => tunnel.open)
  }

  /** Dials unless somebody does already, or it has failed just now. */
  const dialOnce = async (destination: HostPort, key: string): Promise<Tunnel | Reason> => {
    const underWay = dialling.get(key)
    if (underWay !== undefined) return await underWay
    const failure = failures.get(key)
    if (failure !== undefined && clock.monotonic() < failure.until) return failure.reason
    const dialled = dial(destination, key)
    dialling.set(key, dialled)
    return await dialled
  }

  return {
    destinationsWith: (tunnels) => {
      let count = 0
      for (const entries of open.values()) if (entries.length === tunnels) count++
      return count
    },
    get: async (destination) => {
      const key = formatHostPort(destination)
      const tunnels = usable(key)
      const quiet = tunnels.find(({ carriesBulk }) => !carriesBulk)
      if (quiet !== undefined) return quiet
      const shared = tunnels.toSorted((a, b) => a.streamCount - b.streamCount)[0]
      if (shared !== undefined && tunnels.length >= mostTunnels) return shared
      const another = await dialOnce(destination, key)
      // A tunnel that is shared with bulk serves, where another one cannot be had.
      return typeof another === 'string' && shared?.open === true ? shared : another
    },
  }
}
