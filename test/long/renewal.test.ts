import { expect } from 'chai'
import { holdSession } from '../../src/demo/renewals.ts'
import { createReport } from '../../src/demo/report.ts'
import { keepResult } from '../support/long-results.ts'

const seconds = Number(process.env['RENEWAL_SECONDS'] ?? 600)

describe('renewal under an open stream', function () {
  this.timeout((seconds + 120) * 1000)

  const name = `keeps one psql session and one tunnel for ${String(seconds)} s of 30 s certificates`
  it(name, async () => {
    await keepResult(name, async () => {
      const { signal } = new AbortController()
      const output = { write: (text: string) => process.stderr.write(text), colour: false }
      const report = createReport(output, signal)
      const { queries, serials, tunnels } = await holdSession(
        { forMs: seconds * 1000, report },
        signal,
      )
      // A certificate lives for 30 s, so at least so many were needed to come this far.
      const least = Math.floor(seconds / 30)
      expect(serials.api).to.be.at.least(least + 1)
      expect(serials['orders-db']).to.be.at.least(least + 1)
      expect(queries).to.be.at.least(seconds)
      expect(tunnels).to.equal(1)
      return {
        queries,
        tunnels,
        serialsOfClient: serials.api,
        serialsOfServer: serials['orders-db'],
      }
    })
  })
})
