import { writeFileSync } from 'node:fs'
import Mocha from 'mocha'
import { createTestClock } from './test-clock.ts'

/** mocha's spec output, plus the counts and times in a file for the summary of `npm test`. */
export default class CountingReporter extends Mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    const clock = createTestClock(runner)
    super(runner, options)
    const { file } = (options.reporterOptions ?? {}) as { file?: string }
    runner.once('end', () => {
      const { passes, failures, pending } = this.stats
      if (file === undefined) return
      const counts = { passed: passes, failed: failures, skipped: pending, ...clock.spent() }
      writeFileSync(file, JSON.stringify(counts))
    })
  }
}
