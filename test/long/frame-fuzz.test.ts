import { keepResult } from '../support/long-results.ts'
import { fuzzFrames } from '../support/frame-fuzz.ts'

const sequences = Number(process.env['FUZZ_SEQUENCES'] ?? 1_000_000)
const batch = 10_000

describe('the framing of tunnels', function () {
  this.timeout(3_600_000)

  const name = `holds its limits for ${String(sequences)} mutated frame sequences`
  it(name, async () => {
    await keepResult(name, async () => {
      const seed = Date.now() % 1_000_000_000
      const totals: Record<string, number> = {}
      for (let done = 0; done < sequences; done += batch) {
        const { ends } = fuzzFrames(Math.min(batch, sequences - done), seed + done)
        for (const [code, count] of Object.entries(ends)) totals[code] = (totals[code] ?? 0) + count
        // Lets the runner answer signals between batches.
        await new Promise(setImmediate)
      }
      return { seed, ...totals }
    })
  })
})
