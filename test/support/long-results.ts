import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { circumstances, type Circumstances } from '../../bench/machine.ts'

const file = new URL('../long/results.json', import.meta.url)

/** What a long test took and found; of each, the last one is kept in `test/long/results.json`. */
export interface LongResult extends Omit<Circumstances, 'otherLoad'> {
  readonly test: string
  readonly seconds: number
  readonly figures: Readonly<Record<string, number>>
}

/** Runs a test of that name and keeps its figures once it has passed. */
export async function keepResult(
  test: string,
  run: () => Promise<Readonly<Record<string, number>>>,
): Promise<void> {
  const startedAt = performance.now()
  const figures = await run()
  const seconds = Number(((performance.now() - startedAt) / 1_000).toFixed(1))
  const { machine, kernel, node, commit, dirty, date } = circumstances(0)
  const result = { test, seconds, figures, date, commit, dirty, machine, kernel, node }
  const others = readResults().filter((other) => other.test !== test)
  const sorted = [...others, result].sort((a, b) => (a.test < b.test ? -1 : 1))
  writeFileSync(file, `${JSON.stringify(sorted, undefined, 2)}\n`)
}

function readResults(): readonly LongResult[] {
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as LongResult[]) : []
}
