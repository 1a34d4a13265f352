import { comparedRow } from '../compare.ts'
import type { Traffic } from '../load/traffic.ts'
import type { Row } from '../row.ts'
import type { ProxyPair } from './pair.ts'
import type { Figures, ProxyTest } from './tests.ts'

/** Where a test goes in: a pair of proxies, or the backend itself. */
export interface Path {
  readonly name: string
  readonly port: number
  readonly pair?: ProxyPair
}

export interface Rounds {
  readonly traffic: Traffic
  readonly paths: readonly Path[]
  /** Whose figures the rows are. */
  readonly ours: string
  readonly rounds: number
  /** Multiplies the time of each run. */
  readonly scale: number
  readonly say: (text: string) => void
}

/** Each test on each path in turn, one path after the other, in another order each round. */
export async function compareInRounds(
  tests: readonly ProxyTest[],
  options: Rounds,
): Promise<Row[]> {
  const rows: Row[] = []
  for (const test of tests) {
    const found = new Map<string, Figures[]>(options.paths.map(({ name }) => [name, []]))
    // The first round runs before our code is compiled and their sessions are known.
    for (let round = -1; round < options.rounds; round++) {
      for (const path of rotated(options.paths, round)) {
        const figures = await runOnce(test, path, options)
        if (round >= 0 && figures !== undefined) found.get(path.name)?.push(figures)
      }
    }
    rows.push(...rowsOf(test, found, options))
  }
  return rows
}

/** Undefined where bytes were lost, which must not happen to ours. */
async function runOnce(
  test: ProxyTest,
  { name, port, pair }: Path,
  { traffic, ours, scale, say }: Rounds,
): Promise<Figures | undefined> {
  const before = pair?.cpuSeconds() ?? 0
  const { errors = 0, work = 0, ...figures } = await test.run(traffic, port, test.seconds * scale)
  const cpu = (pair?.cpuSeconds() ?? 0) - before
  if (errors > 0) {
    say(`${name}: ${test.name}: ${String(errors)} errors`)
    if (name === ours) throw new Error(`expected no errors, got ${String(errors)}`)
    return undefined
  }
  return pair === undefined ? figures : { ...figures, cpu: cpu / work }
}

function rotated<T>(all: readonly T[], by: number): T[] {
  const from = (by + all.length) % all.length
  return [...all.slice(from), ...all.slice(0, from)]
}

function rowsOf(
  test: ProxyTest,
  found: ReadonlyMap<string, readonly Figures[]>,
  { ours, rounds, say }: Rounds,
): Row[] {
  const lost = [...found]
    .filter(([, all]) => all.length < rounds)
    .map(([name, all]) => `${name} lost bytes in ${String(rounds - all.length)} rounds`)
  return Object.entries(test.measures).map(([key, measure]) => {
    const samples = new Map(
      [...found].map(([name, all]) => [name, all.flatMap((figures) => figures[key] ?? [])]),
    )
    const note = lost.length === 0 ? {} : { note: `${lost.join('; ')}.` }
    const row = comparedRow({ test: test.name, ...measure, ...note }, ours, samples)
    say(`${test.name}: ${row.metric} ${row.ours.toPrecision(4)} ${row.unit}, ${standing(row)}`)
    return row
  })
}

function standing({ bestPeer, ratio }: Row): string {
  return bestPeer === undefined ? 'no peer' : `${String(ratio)} times ${bestPeer}`
}
