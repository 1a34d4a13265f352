import { createBackoff, type Backoff } from '../base/backoff.ts'
import type { Clock } from '../base/clock.ts'
import { formatHostPort, type HostPort } from '../base/env.ts'
import { messageOf } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import type { Reason } from '../policy/reason.ts'
import { TunnelError, type Tunnel } from '../tunnel/index.ts'

/**
 * A few tunnels for each destination, dialled when they are needed and shared by all who need them: a
 * new stream takes one that carries no bulk. Behind a load balancer each may end at another workload,
 * so there new streams spread over several, and these are replaced soon.
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
/** Behind a balancer, so that a workload which joins gets its share, and one that has left is let go. */
const longestSpreadMs = 60_000
const mostSpreadStreams = 1_000

interface OpenEntry {
  readonly tunnel: Tunnel
  readonly since: number
  /** Something on the way translates addresses, and may take another dial to another workload. */
  readonly isTranslated: boolean
  /** Streams that were given to it. */
  served: number
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
  const dialling = new Map<string, Promise<OpenEntry | Reason>>()
  const failures = new Map<string, Failure>()

  const keep = (key: string, tunnel: Tunnel): OpenEntry => {
    const isTranslated = hasTranslation(tunnel)
    const entry = { tunnel, since: clock.monotonic(), isTranslated, served: 0 }
    open.set(key, [...(open.get(key) ?? []), entry])
    failures.delete(key)
    void tunnel.closed.then(() => {
      drop(key, entry)
    })
    return entry
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

  const dial = async (destination: HostPort, key: string): Promise<OpenEntry | Reason> => {
    try {
      return keep(key, await options.dial(destination))
    } catch (error: unknown) {
      const reason = error instanceof TunnelError ? error.reason : 'no-tunnel'
      log.info({ destination: key, reason, error: messageOf(error) }, 'no tunnel')
      remember(key, reason)
      return reason
    } finally {
      dialling.delete(key)
    }
  }

  const retire = (key: string, entry: OpenEntry): void => {
    drop(key, entry)
    entry.tunnel.retire()
  }

  const isWorn = ({ tunnel, since }: OpenEntry): boolean =>
    clock.monotonic() - since > longestUseMs || tunnel.bytesIn + tunnel.bytesOut > mostBytes

  const isSpent = ({ isTranslated, since, served }: OpenEntry): boolean =>
    isTranslated && (clock.monotonic() - since > longestSpreadMs || served >= mostSpreadStreams)

  const openTo = (key: string): readonly OpenEntry[] =>
    (open.get(key) ?? []).filter(({ tunnel }) => tunnel.open)

  /** Those that take new streams; worn ones are retired, and one that is spent where others are there. */
  const usable = (key: string): readonly OpenEntry[] => {
    for (const entry of (open.get(key) ?? []).filter(isWorn)) retire(key, entry)
    const entries = openTo(key)
    const spent = entries.length > 1 ? entries.find(isSpent) : undefined
    if (spent === undefined) return entries
    retire(key, spent)
    return openTo(key)
  }

  /** Dials unless somebody does already, or it has failed just now. */
  const dialOnce = async (destination: HostPort, key: string): Promise<OpenEntry | Reason> => {
    const underWay = dialling.get(key)
    if (underWay !== undefined) return await underWay
    const failure = failures.get(key)
    if (failure !== undefined && clock.monotonic() < failure.until) return failure.reason
    const dialled = dial(destination, key)
    dialling.set(key, dialled)
    return await dialled
  }

  const choose = async (destination: HostPort, key: string): Promise<OpenEntry | Reason> => {
    const entries = usable(key)
    const quiet = leastUsed(entries.filter(({ tunnel }) => !tunnel.carriesBulk))
    if (quiet !== undefined) {
      // The next ones may have it; this one does not wait for it.
      if (quiet.isTranslated && entries.length < mostTunnels) void dialOnce(destination, key)
      return quiet
    }
    const shared = entries.toSorted((a, b) => a.tunnel.streamCount - b.tunnel.streamCount)[0]
    if (shared !== undefined && entries.length >= mostTunnels) return shared
    const another = await dialOnce(destination, key)
    // A tunnel that is shared with bulk serves, where another one cannot be had.
    return typeof another === 'string' && shared?.tunnel.open === true ? shared : another
  }

  return {
    destinationsWith: (tunnels) => {
      let count = 0
      for (const entries of open.values()) if (entries.length === tunnels) count++
      return count
    },
    get: async (destination) => {
      const chosen = await choose(destination, formatHostPort(destination))
      if (typeof chosen === 'string') return chosen
      chosen.served++
      return chosen.tunnel
    },
  }
}

/** By the peer's word on where it accepted what we have dialled. */
function hasTranslation({ localEndpoint, peerEndpoint }: Tunnel): boolean {
  return localEndpoint.address !== peerEndpoint.address || localEndpoint.port !== peerEndpoint.port
}

/** The first one, so that the others may end, unless streams are to be spread. */
function leastUsed(entries: readonly OpenEntry[]): OpenEntry | undefined {
  const [first] = entries
  if (first?.isTranslated !== true) return first
  return entries.toSorted(
    (a, b) => a.tunnel.streamCount - b.tunnel.streamCount || a.served - b.served,
  )[0]
}
