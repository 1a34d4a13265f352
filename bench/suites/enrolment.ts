import { createTokens, startControllerUnderTest } from '../load/controller-under-test.ts'
import type { ControllerUnderTest } from '../load/controller-under-test.ts'
import type { EnrolmentLoad, EnrolmentTimes } from '../load/enrolment-load.ts'
import { startLoad, type LoadProcess } from '../load/load-process.ts'
import { isPinned } from '../load/placement.ts'
import { percentText } from '../report/number-text.ts'
import { rowOf, type BenchContext, type Row } from '../row.ts'

const rounds = 7

const note = `Join tokens, one and a node key for each enrolment; SQLite on disk; what waits at the same time shares a durable transaction. ${
  isPinned
    ? 'The controller has one core, the load another.'
    : 'Controller and load share the cores.'
} The limit of calls from one address is raised by \`BLAZON_ENROLMENT_RATE\`.`

interface Manner {
  readonly connections: 'warm' | 'cold'
  readonly test: string
  readonly target: number
  readonly each: number
  readonly atOnce: number
}

const manners: readonly Manner[] = [
  {
    connections: 'warm',
    test: 'enrolment over standing connections',
    target: 1_200,
    each: 3_000,
    atOnce: 64,
  },
  {
    connections: 'cold',
    test: 'enrolment with a connection each',
    target: 400,
    each: 1_200,
    atOnce: 32,
  },
]

/** Enrolments through gRPC by a controller on one core. */
export async function run(context: BenchContext): Promise<Row[]> {
  await using controller = await startControllerUnderTest()
  await using load = startLoad<EnrolmentLoad>('enrolment-load.ts')
  const rows: Row[] = []
  for (const manner of manners) rows.push(...(await rowsOf(context, controller, load, manner)))
  return rows
}

interface Round extends EnrolmentTimes {
  readonly perSecond: number
  readonly controllerMicroseconds: number
  readonly controllerShare: number
}

async function rowsOf(
  context: BenchContext,
  controller: ControllerUnderTest,
  load: LoadProcess<EnrolmentLoad>,
  manner: Manner,
): Promise<Row[]> {
  const taken: Round[] = []
  // The first round runs before the code is compiled.
  for (let round = -1; round < (context.isQuick ? 1 : rounds); round++) {
    const one = await oneRound(controller, load, manner, context.isQuick ? 100 : manner.each)
    const { perSecond, controllerShare, cpuSeconds, seconds } = one
    context.say(
      `${manner.test}: ${perSecond.toFixed(0)}/s, controller ${percentText(controllerShare)}, load ${percentText(cpuSeconds / seconds)} of a core`,
    )
    if (round >= 0) taken.push(one)
  }
  const { test, target } = manner
  const less = { test, better: 'less' } as const
  const samples = (key: keyof Round): number[] => taken.map((one) => one[key])
  return [
    rowOf(
      { test, metric: 'enrolments', unit: '1/s', better: 'more', target, note },
      samples('perSecond'),
    ),
    rowOf({ ...less, metric: 'latency p50', unit: 'ms' }, samples('p50Ms')),
    rowOf({ ...less, metric: 'latency p99', unit: 'ms' }, samples('p99Ms')),
    rowOf(
      { ...less, metric: 'controller, processor time of one', unit: 'µs' },
      samples('controllerMicroseconds'),
    ),
    rowOf(
      { ...less, metric: 'controller, share of its core', unit: '%' },
      samples('controllerShare').map((share) => share * 100),
    ),
  ]
}

async function oneRound(
  controller: ControllerUnderTest,
  load: LoadProcess<EnrolmentLoad>,
  { connections, atOnce }: Manner,
  count: number,
): Promise<Round> {
  const { address, root } = controller
  const tokens = await createTokens(controller, count)
  await load.ask('prepare', { address, root, tokens, connections, atOnce })
  const before = controller.cpuSeconds()
  const times = await load.ask('run', undefined)
  const cpu = controller.cpuSeconds() - before
  return {
    ...times,
    perSecond: count / times.seconds,
    controllerMicroseconds: (cpu / count) * 1e6,
    controllerShare: cpu / times.seconds,
  }
}
