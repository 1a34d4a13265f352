import type Mocha from 'mocha'

/** What tests and their hooks took, in milliseconds; importing the files and reporting is no part of it. */
export interface TestTime {
  /** Processor time of mocha's own thread: it does not count what other programs take of a busy machine. */
  readonly processorMs: number
  readonly elapsedMs: number
}

/** Adds up the tests and hooks of a run. To be made before a reporter listens, whose work is then left out. */
export function createTestClock(runner: Mocha.Runner): { spent(): TestTime } {
  let processorMs = 0
  let elapsedMs = 0
  let running: Mocha.Runnable | undefined
  let isTest = false
  let startedAt = 0
  let usage = process.threadCpuUsage()
  const start = (runnable: Mocha.Runnable): void => {
    running = runnable
    usage = process.threadCpuUsage()
    startedAt = performance.now()
  }
  const stop = (runnable: Mocha.Runnable): void => {
    if (running !== runnable) return
    running = undefined
    isTest = false
    const { user, system } = process.threadCpuUsage(usage)
    processorMs += (user + system) / 1_000
    elapsedMs += performance.now() - startedAt
  }
  runner.on('test', (test) => {
    start(test)
    isTest = true
  })
  // What runs before each test is within its time.
  runner.on('hook', (hook) => {
    if (!isTest) start(hook)
  })
  runner.on('pass', stop).on('fail', stop).on('hook end', stop)
  return { spent: () => ({ processorMs, elapsedMs }) }
}
