import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { FlowDirection } from './flow-recorder.ts'
import type { Metrics } from './metrics.ts'

/** Guardrails with `action: alert` that a connection matches. */
export interface Alerts {
  /** Raises those of `names` that are not among `former`, which were raised for this connection before. */
  raise(
    about: { readonly direction: FlowDirection; readonly peer: string },
    names: readonly string[],
    former?: readonly string[],
  ): void
}

/** One line per guardrail in this time; the metric counts every connection. */
const quietMs = 60_000

/** Counts alerts, and logs each guardrail at most once a minute, with how many there were since. */
export function createAlerts(options: {
  readonly clock: Pick<Clock, 'monotonic'>
  readonly metrics: Pick<Metrics, 'alert'>
  readonly log: Logger
}): Alerts {
  const { clock, metrics, log } = options
  /** Those of the last minute. */
  const recent = new Map<string, { loggedAt: number; unlogged: number }>()

  const raiseOne = (
    { direction, peer }: { readonly direction: FlowDirection; readonly peer: string },
    guardrail: string,
  ): void => {
    metrics.alert(guardrail)
    const now = clock.monotonic()
    const known = recent.get(guardrail)
    if (known !== undefined && now - known.loggedAt < quietMs) {
      known.unlogged += 1
      return
    }
    const connections = 1 + (known?.unlogged ?? 0)
    log.warn({ guardrail, direction, peer, connections }, 'guardrail alert')
    forgetOld(now)
    recent.set(guardrail, { loggedAt: now, unlogged: 0 })
  }
  const forgetOld = (now: number): void => {
    for (const [name, { loggedAt, unlogged }] of recent) {
      if (now - loggedAt >= quietMs && unlogged === 0) recent.delete(name)
    }
  }

  return {
    raise: (about, names, former = []) => {
      for (const name of names) if (!former.includes(name)) raiseOne(about, name)
    },
  }
}
