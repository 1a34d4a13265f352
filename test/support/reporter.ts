import { writeFileSync } from 'node:fs'
import Mocha from 'mocha'

/** mocha's spec output, plus the counts in a file for the summary line of `npm test`. */
export default class CountingReporter extends Mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    super(runner, options)
    const { file } = (options.reporterOptions ?? {}) as { file?: string }
    runner.once('end', () => {
      const { passes, failures, pending } = this.stats
      if (file === undefined) return
      writeFileSync(file, JSON.stringify({ passed: passes, failed: failures, skipped: pending }))
    })
  }
}
