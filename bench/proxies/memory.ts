import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { comparedRow, type ComparedMeasure } from '../compare.ts'
import { rowOf, type BenchContext, type Row } from '../row.ts'
import type { Arena } from './arena.ts'
import { blazon, createLoneSidecar } from './blazon.ts'
import type { Contender } from './pair.ts'
import { roundsOf, type Part } from './part.ts'
import { sayRow } from './rounds.ts'
import { createTurns } from './turns.ts'

const loneTest = 'memory of an idle sidecar'
const pairTest = 'memory of an idle pair'
const connectionsTest = (count: number): string =>
  `memory of ${count.toLocaleString('en-US')} idle connections`

const laterTest = 'memory of 9,500 connections, idle for 40 s'
const later = { count: 9_500, ms: 40_000 }

/** The others need two descriptors for each connection, of which a process has 20,000 at most. */
const counts = [1_000, 9_500, 10_000]
const mostOfPeers = 9_500
/** It has a thread for each. */
const mostOfStunnel = 1_000
/** The others take some ten seconds each, and what they take hardly varies. */
const roundsOfPeers = 3
/** From the last answer until the memory is read. */
const settleMs = 1_000
const megabyte = 1e6

/** What the sidecars, and pairs of other proxies, have in RAM while nothing happens. */
export const memoryPart: Part = {
  tests: [loneTest, pairTest, ...counts.map(connectionsTest), laterTest],
  run: async (arena, context) => {
    const directory = mkdtempSync(join(tmpdir(), 'blazon-memory-'))
    try {
      // The pages of a program of its own are shared with no other process of the benchmark.
      const node = join(directory, 'node')
      copyFileSync(process.execPath, node)
      return [
        ...(await loneRows(arena, context, node)),
        ...(await pairRows(arena, context, blazon(arena.controller, { node }))),
        ...(await laterRows(arena, context, blazon(arena.controller, { node }))),
      ]
    } finally {
      rmSync(directory, { recursive: true })
    }
  },
}

async function loneRows(arena: Arena, context: BenchContext, node: string): Promise<Row[]> {
  if (!context.isWanted(loneTest)) return []
  const first = await createLoneSidecar(arena.controller, { node })
  const second = await createLoneSidecar(arena.controller, { node })
  const alone: number[] = []
  const ofTwo: number[] = []
  const own: number[] = []
  for (let round = 0; round < roundsOf(context); round++) {
    await using one = await arena.start(first)
    await delay(settleMs)
    alone.push(one.memory().proportional / megabyte)
    await using other = await arena.start(second)
    await delay(settleMs)
    ofTwo.push((one.memory().proportional + other.memory().proportional) / 2 / megabyte)
    own.push((one.memory().own + other.memory().own) / 2 / megabyte)
  }
  const measure = { test: loneTest, unit: 'MB', better: 'less' } as const
  const rows = [
    rowOf({ ...measure, metric: 'private, each of two', target: 30 }, own),
    rowOf({ ...measure, metric: 'PSS, each of two on a host', target: 45 }, ofTwo),
    rowOf({ ...measure, metric: 'PSS, alone on a host', target: 70 }, alone),
  ]
  for (const row of rows) sayRow(context.say, row)
  return rows
}

/** Samples of each test, by contender. */
type Found = Map<string, Map<string, number[]>>

async function pairRows(arena: Arena, context: BenchContext, ours: Contender): Promise<Row[]> {
  const tests = [pairTest, ...counts.map(connectionsTest)].filter(context.isWanted)
  if (tests.length === 0) return []
  const others = arena.peers.filter(({ name }) => name !== 'nginx, 256k')
  const found: Found = new Map()
  for (const test of tests) found.set(test, new Map())
  const turns = createTurns([ours, ...others], context.say)
  for (let round = 0; round < roundsOf(context); round++) {
    await turns.take(async (contender) => {
      if (contender === ours || round < roundsOfPeers)
        await measurePair(arena, contender, found, context.say)
    })
  }
  return rowsOf(context, ours.name, found, turns.note())
}

async function measurePair(
  arena: Arena,
  contender: Contender,
  found: Found,
  say: (text: string) => void,
): Promise<void> {
  const note = (test: string, value: number): void => {
    const samples = found.get(test)
    samples?.set(contender.name, [...(samples.get(contender.name) ?? []), value])
  }
  await using pair = await arena.start(contender)
  await delay(settleMs)
  const idle = pair.memory().proportional
  note(pairTest, idle / megabyte)
  await using connections = new AsyncDisposableStack()
  let open = 0
  for (const count of countsOf(contender).filter((each) => found.has(connectionsTest(each)))) {
    const startedAt = performance.now()
    connections.use(await arena.traffic.idle(pair.port, count - open))
    const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1)
    say(`${contender.name}: ${String(count - open)} connections more in ${seconds} s`)
    open = count
    await delay(settleMs)
    note(connectionsTest(count), (pair.memory().proportional - idle) / count / 1_024)
  }
}

/** V8 gives back what opening them has left once it has been idle for half a minute. */
async function laterRows(arena: Arena, context: BenchContext, ours: Contender): Promise<Row[]> {
  if (!context.isWanted(laterTest)) return []
  const samples: number[] = []
  for (let round = 0; round < roundsOf(context); round++) {
    await using pair = await arena.start(ours)
    await delay(settleMs)
    const idle = pair.memory().proportional
    await using connections = new AsyncDisposableStack()
    connections.use(await arena.traffic.idle(pair.port, later.count))
    await delay(later.ms)
    samples.push((pair.memory().proportional - idle) / later.count / 1_024)
  }
  const metric = 'PSS of the pair for each'
  const row = rowOf({ test: laterTest, metric, unit: 'KB', better: 'less', target: 16 }, samples)
  sayRow(context.say, row)
  return [row]
}

function countsOf({ name }: Contender): readonly number[] {
  const most = name === 'stunnel' ? mostOfStunnel : name === 'blazon' ? Infinity : mostOfPeers
  return counts.filter((count) => count <= most)
}

function rowsOf(
  { say }: BenchContext,
  ours: string,
  found: Found,
  note: { readonly note?: string },
): Row[] {
  return [...found].map(([test, samples]) => {
    const measure: ComparedMeasure =
      test === pairTest
        ? { test, metric: 'PSS', unit: 'MB', better: 'less' }
        : { test, metric: 'PSS of the pair for each', unit: 'KB', better: 'less', target: 16 }
    const row = comparedRow({ ...measure, ...note }, ours, samples)
    sayRow(say, row)
    return row
  })
}
