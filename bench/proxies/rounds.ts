import { messageOf } from '../../src/base/errors.ts'
import { comparedRow } from '../compare.ts'
import type { Traffic } from '../load/traffic.ts'
import type { Row } from '../row.ts'
import type { ProxyPair } from './pair.ts'
import type { Figures, ProxyTest } from './tests.ts'
import { missingNote } from './turns.ts'

/** Where a test goes in: a pair of proxies, or the backend itself. */
export interface Path {
  readonly name: string
  readonly port: number
  readonly pair?: ProxyPair
}

export interface Rounds {
  readonly traffic: Traffic
  readonly paths: readonly Path[]
  /** Who should have taken part and does not; named beside every row. */
  readonly absent: readonly string[]
  /** Whose figures the rows are. */
  readonly ours: string
  readonly rounds: number
  /** Multiplies the time of each run. */
  readonly scale: number
  readonly say: (text: string) => void
}

/** A path that fails so often in one test is not asked again in it: a failure may take its time. */
const mostFailures = 2

/** How much longer the first round is, which does not count: code is compiled when it has run for a while. */
const warmUp = 2

/** Each test on each path in turn, one path after the other, in another order each round. */
export async function compareInRounds(
  tests: readonly ProxyTest[],
  options: Rounds,
): Promise<Row[]> {
  const rows: Row[] = []
  for (const test of tests) {
    const found = new Map<string, Figures[]>(options.paths.map(({ name }) => [name, []]))
    const failures = new Map<string, number>()
    // In the first round our code is compiled, and their sessions become known.
    for (let round = -1; round < options.rounds; round++) {
      for (const path of rotated(options.paths, round)) {
        const failed = failures.get(path.name) ?? 0
        if (failed >= mostFailures) continue
        const seconds = test.seconds * options.scale * (round < 0 ? warmUp : 1)
        const figures = await runOnce(test, path, seconds, options)
        if (figures === undefined) failures.set(path.name, failed + 1)
        else if (round >= 0) found.get(path.name)?.push(figures)
      }
    }
    rows.push(...rowsOf(test, found, options))
  }
  return rows
}

/** Undefined where it failed, or bytes were lost: neither must happen to ours. */
async function runOnce(
  test: ProxyTest,
  path: Path,
  seconds: number,
  options: Rounds,
): Promise<Figures | undefined> {
  try {
    return await figuresOnce(test, path, seconds, options.traffic)
  } catch (error: unknown) {
    if (path.name === options.ours) throw error
    options.say(`${path.name}: ${test.name}: ${messageOf(error)}`)
    return undefined
  }
}

async function figuresOnce(
  test: ProxyTest,
  { port, pair }: Path,
  seconds: number,
  traffic: Traffic,
): Promise<Figures> {
  const before = pair?.cpuSeconds() ?? 0
  const { errors = 0, work = 0, ...figures } = await test.run(traffic, port, seconds)
  const cpu = (pair?.cpuSeconds() ?? 0) - before
  if (errors > 0) throw new Error(`expected no errors, got ${String(errors)}`)
  return pair === undefined ? figures : { ...figures, cpu: cpu / work }
}

function rotated<T>(all: readonly T[], by: number): T[] {
  const from = (by + all.length) % all.length
  return [...all.slice(from), ...all.slice(0, from)]
}

function rowsOf(
  test: ProxyTest,
  found: ReadonlyMap<string, readonly Figures[]>,
  { absent, ours, rounds, say }: Rounds,
): Row[] {
  const failed = [...found]
    .filter(([, all]) => all.length < rounds)
    .map(([name, all]) => `${name} failed in ${String(rounds - all.length)} of the rounds`)
  const note = missingNote([...absent.map((name) => `${name} did not start`), ...failed])
  return Object.entries(test.measures).map(([key, measure]) => {
    const samples = new Map(
      [...found].map(([name, all]) => [name, all.flatMap((figures) => figures[key] ?? [])]),
    )
    const row = comparedRow({ test: test.name, ...measure, ...note }, ours, samples)
    sayRow(say, row)
    return row
  })
}

export function sayRow(say: (text: string) => void, row: Row): void {
  const { test, metric, ours, unit, bestPeer, ratio } = row
  const standing = bestPeer === undefined ? 'no peer' : `${String(ratio)} times ${bestPeer}`
  say(`${test}: ${metric} ${ours.toPrecision(4)} ${unit}, ${standing}`)
}
