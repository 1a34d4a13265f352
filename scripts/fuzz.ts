/** `npm run fuzz [-- COUNT [SEED]]`: mutated frame sequences against the tunnel's framing, a million unless told. */
import { fuzzFrames } from '../test/support/frame-fuzz.ts'

const batch = 50_000
const count = Number(process.argv[2] ?? 1_000_000)
const seed = Number(process.argv[3] ?? Date.now() % 1_000_000_000)
const totals: Record<string, number> = {}
const startedAt = performance.now()

console.log(`${String(count)} sequences from ${String(seed)} on`)
for (let done = 0; done < count; done += batch) {
  const { ends } = fuzzFrames(Math.min(batch, count - done), seed + done)
  for (const [code, times] of Object.entries(ends)) totals[code] = (totals[code] ?? 0) + times
}
const seconds = (performance.now() - startedAt) / 1_000
const memory = process.memoryUsage.rss() / 2 ** 20
console.log(
  Object.entries(totals)
    .map(([code, times]) => `${code} ${String(times)}`)
    .join(', '),
)
console.log(`${seconds.toFixed(0)} s, ${memory.toFixed(0)} MB resident at the end`)
