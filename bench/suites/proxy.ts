import { openArena } from '../proxies/arena.ts'
import { comparisonPart } from '../proxies/comparison.ts'
import { cutPart } from '../proxies/cut.ts'
import { httpPart } from '../proxies/http.ts'
import { manyPoliciesPart } from '../proxies/many-policies.ts'
import { memoryPart } from '../proxies/memory.ts'
import type { Part } from '../proxies/part.ts'
import { startPart } from '../proxies/start.ts'
import { proxyTests } from '../proxies/tests.ts'
import { twoWorkersPart } from '../proxies/two-workers.ts'
import type { BenchContext, Row } from '../row.ts'

const parts: readonly Part[] = [
  comparisonPart({ tests: proxyTests, contenders: ({ ours, peers }) => [ours, ...peers] }),
  httpPart,
  twoWorkersPart,
  cutPart,
  startPart,
  memoryPart,
  // Last: what the controller knows from then on would slow the others' changes of policy.
  manyPoliciesPart,
]

/** What two sidecars do for traffic and what they take for it, beside pairs of other proxies. */
export async function run(context: BenchContext): Promise<Row[]> {
  const wanted = parts.filter(({ tests }) => tests.some(context.isWanted))
  if (wanted.length === 0) {
    const names = parts.flatMap(({ tests }) => tests.map((name) => `"${name}"`)).join(', ')
    throw new Error(`expected a part of the name of a test, one of ${names}`)
  }
  await using arena = await openArena()
  const rows: Row[] = []
  for (const part of wanted) rows.push(...(await part.run(arena, context)))
  return rows
}
