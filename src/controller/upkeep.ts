import type { Clock } from '../base/clock.ts'
import { messageOf } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'

/** One thing that is done again and again. */
export interface UpkeepTask {
  readonly name: string
  readonly everyMs: number
  run(): Promise<void>
}

/**
 * Runs tasks periodically until it is disposed of. A task that fails is logged and tried again at
 * its next turn; one that takes long is not started a second time beside itself.
 */
export function startUpkeep(tasks: readonly UpkeepTask[], log: Logger): AsyncDisposable {
  const running = new Map<string, Promise<void>>()
  const start = (task: UpkeepTask): void => {
    if (running.has(task.name)) return
    const run = task
      .run()
      .catch((error: unknown) => {
        log.error({ task: task.name, error, reason: messageOf(error) }, 'upkeep failed')
      })
      .finally(() => running.delete(task.name))
    running.set(task.name, run)
  }
  const timers = tasks.map((task) =>
    setInterval(() => {
      start(task)
    }, task.everyMs),
  )
  return {
    [Symbol.asyncDispose]: async () => {
      for (const timer of timers) clearInterval(timer)
      await Promise.all(running.values())
    },
  }
}

/** Whether a time has come, for tasks that are due at a time of their own. */
export function isDue(atMs: number, clock: Clock): boolean {
  return clock.now() >= atMs
}
