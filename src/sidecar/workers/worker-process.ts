import type { ChildProcess } from 'node:child_process'
import { messageOf } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import { countsIn, type Readings } from '../metrics.ts'
import type { Order, Report, Tally, Task } from './messages.ts'

/** A worker, as the process that has started it sees it. */
export interface WorkerProcess {
  readonly pid: number | undefined
  /** Resolves once it listens; rejects with why it does not. */
  readonly listening: Promise<void>
  /** Resolves once it is no more, with how it ended. */
  readonly ended: Promise<string>
  /** What it had counted when it was last heard of it. */
  readonly counts: Readings
  /** Resolves once the task is carried out, or the worker is no more. One that takes too long is killed. */
  tell(task: Task, withinMs?: number): Promise<Readings | undefined>
  /** Takes away its way to this process, on which it ends at once. */
  letGo(): void
  readonly kill: () => void
}

/** A worker that has stopped in its tracks still listens, by a policy that may not be in force any more. */
const longestSilenceMs = 15_000
const longestStartMs = 30_000

/** Follows a child that was started as a worker. `onTally` is told what it has counted. */
export function followWorker(options: {
  readonly child: ChildProcess
  readonly start: Order & { readonly kind: 'start' }
  readonly onTally: (tally: Tally) => void
  readonly log: Logger
}): WorkerProcess {
  const { child, onTally, log } = options
  const { pid } = child
  const listening = Promise.withResolvers<undefined>()
  listening.promise.catch(() => undefined)
  const ended = Promise.withResolvers<string>()
  const underWay = new Map<number, (readings: Readings | undefined) => void>()
  let lastNumber = 0
  let counts: Readings = []

  const kill = (): void => {
    child.kill('SIGKILL')
  }
  const killAfter = (ms: number): NodeJS.Timeout =>
    setTimeout(() => {
      log.error({ worker: pid, waited_ms: ms }, 'worker does not answer')
      kill()
    }, ms)
  const post = (order: Order): void => {
    // Where the way is gone, so is the worker, and its end is heard of by itself.
    if (child.connected) child.send(order, () => undefined)
  }

  const starting = killAfter(longestStartMs)
  const onReport = (report: Report): void => {
    switch (report.kind) {
      case 'listening':
        clearTimeout(starting)
        listening.resolve(undefined)
        break
      case 'failed':
        log.error({ worker: pid, error: report.message }, 'worker failed')
        listening.reject(new Error(report.message))
        break
      case 'tally':
        counts = report.counts
        onTally(report)
        break
      case 'done':
        // Whoever was shown them is not to see less afterwards.
        if (report.readings !== undefined) counts = countsIn(report.readings)
        underWay.get(report.number)?.(report.readings)
        break
      default:
        report satisfies never
    }
  }
  const onEnd = (how: string): void => {
    clearTimeout(starting)
    listening.reject(new Error(`a worker ended before it listened: ${how}`))
    for (const settle of underWay.values()) settle(undefined)
    ended.resolve(how)
  }

  child.on('message', (report) => {
    onReport(report as Report)
  })
  child.on('error', (error) => {
    // One that could not be started never exits; one that is there is not to go on unheard.
    if (pid === undefined) onEnd(messageOf(error))
    else kill()
  })
  child.once('exit', (code, signal) => {
    onEnd(signal ?? `exit code ${String(code)}`)
  })
  post(options.start)

  const tell = async (task: Task, withinMs = longestSilenceMs): Promise<Readings | undefined> => {
    if (!child.connected) return undefined
    const number = ++lastNumber
    const answered = Promise.withResolvers<Readings | undefined>()
    underWay.set(number, answered.resolve)
    const late = killAfter(withinMs)
    post({ ...task, number })
    try {
      return await answered.promise
    } finally {
      clearTimeout(late)
      underWay.delete(number)
    }
  }

  return {
    pid,
    listening: listening.promise,
    ended: ended.promise,
    get counts() {
      return counts
    },
    tell,
    letGo: () => {
      if (child.connected) child.disconnect()
    },
    kill,
  }
}
