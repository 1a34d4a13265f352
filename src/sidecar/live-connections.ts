import type { Reason } from '../policy/reason.ts'
import type { FlowDirection } from './flow-recorder.ts'
import { refusalOfAny, type Judgement, type Standing } from './judgement.ts'

/** An open connection, as far as a decision about it goes. */
export interface LiveConnection {
  readonly direction: FlowDirection
  /** What policy says of it now. */
  judge(standing: Standing): Judgement
  readonly deadline: number | undefined
  /** Counts what has gone through it since the last time. */
  report(): void
  /** Nothing new is to begin in it: ends it in order once nothing is under way, where that can be told. */
  retire(): void
  /** Ends it: both programs see a reset, and the peer the reason. */
  cut(reason: Reason, policy: string): void
  /** Another policy allows it now, or until another time. */
  confirm(judgement: Judgement): void
}

/** The open connections, each decided again whenever something that it rests on has changed. */
export interface LiveConnections {
  add(connection: LiveConnection): void
  remove(connection: LiveConnection): void
  count(direction: FlowDirection): number
  /** The deadline of an open connection has become an earlier one. */
  expedite(deadline: number): void
  /** Decides all of them again, now. */
  redecide(): void
  retireAll(): void
  cutAll(reason: Reason): void
  /** Fulfils once none is open. */
  drained(): Promise<void>
  close(): void
}

const longestTimerMs = 60_000
/** Between two reports of each. */
const defaultReportMs = 1_000

export function createLiveConnections(
  standing: () => Standing,
  reportMs: number = defaultReportMs,
): LiveConnections {
  const open = { egress: new Set<LiveConnection>(), ingress: new Set<LiveConnection>() }
  const whenDrained = new Set<() => void>()
  let timer: NodeJS.Timeout | undefined
  let reports: NodeJS.Timeout | undefined
  let nextDeadline = Infinity

  const each = function* (): Iterable<LiveConnection> {
    yield* open.egress
    yield* open.ingress
  }

  const redecide = (): void => {
    const now = standing()
    const refusal = refusalOfAny(now)
    for (const connection of [...each()]) {
      if (refusal !== undefined) connection.cut(refusal, '')
      else decideAgain(connection, now)
    }
    schedule()
  }

  /** A verdict that goes by time is decided again at its deadline; the clock is looked at often enough. */
  const schedule = (): void => {
    nextDeadline = Infinity
    for (const { deadline } of each()) nextDeadline = Math.min(nextDeadline, deadline ?? Infinity)
    wait()
  }

  const wait = (): void => {
    clearTimeout(timer)
    if (nextDeadline === Infinity) return
    const leftMs = nextDeadline - standing().now
    timer = setTimeout(redecide, Math.max(0, Math.min(leftMs, longestTimerMs)))
    timer.unref()
  }

  const expedite = (deadline: number): void => {
    if (deadline >= nextDeadline) return
    nextDeadline = deadline
    wait()
  }

  const report = (): void => {
    for (const connection of each()) connection.report()
  }

  return {
    add: (connection) => {
      open[connection.direction].add(connection)
      reports ??= setInterval(report, reportMs).unref()
      expedite(connection.deadline ?? Infinity)
    },
    remove: (connection) => {
      open[connection.direction].delete(connection)
      if (open.egress.size + open.ingress.size > 0) return
      clearInterval(reports)
      reports = undefined
      for (const resolve of whenDrained) resolve()
      whenDrained.clear()
    },
    count: (direction) => open[direction].size,
    expedite,
    redecide,
    retireAll: () => {
      for (const connection of [...each()]) connection.retire()
    },
    cutAll: (reason) => {
      for (const connection of [...each()]) connection.cut(reason, '')
    },
    drained: async () => {
      if (open.egress.size + open.ingress.size === 0) return
      await new Promise<void>((resolve) => whenDrained.add(resolve))
    },
    close: () => {
      clearTimeout(timer)
      clearInterval(reports)
    },
  }
}

function decideAgain(connection: LiveConnection, standing: Standing): void {
  const judgement = connection.judge(standing)
  if (judgement.verdict === 'deny') connection.cut(judgement.reason, judgement.policy)
  else connection.confirm(judgement)
}
