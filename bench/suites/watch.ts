import { setTimeout as delay } from 'node:timers/promises'
import {
  createTokens,
  startControllerUnderTest,
  type ControllerUnderTest,
} from '../load/controller-under-test.ts'
import { startLoad, type LoadProcess } from '../load/load-process.ts'
import { isPinned, loadProcesses } from '../load/placement.ts'
import { mostDescriptors, sharedMicroseconds } from '../load/usage.ts'
import type { Told, WatchLoad } from '../load/watch-load.ts'
import { rowOf, type BenchContext, type Measure, type Row } from '../row.ts'

/** Sizes of fleets, and how often each thing is done to them. */
const fleets = [2_000, 10_000]
const pushes = 7
const kills = 5
const idleWindows = 6
const idleWindowMs = 10_000
/** Beside the streams: files, the store, calls. */
const spareDescriptors = 500

/** Policies that concern every workload, so that a snapshot has some 4 KB. */
const policies = 20

const note = `Each stream over a TLS connection of its own with an SVID of its own; ${
  isPinned ? 'the controller has one core, the load another' : 'controller and load share the cores'
}. Sidecars are played by a client that acknowledges every version and comes back with the sidecar's own back-off.`

/** Fleets of Watch streams on one controller: memory, idle work, a push to all, all back after a kill. */
export async function run(context: BenchContext): Promise<Row[]> {
  const rows: Row[] = []
  for (const streams of context.isQuick ? [50] : fleets) {
    if (mostDescriptors() < streams / loadProcesses + spareDescriptors) {
      throw new Error(
        `expected a limit of more than ${String(streams)} open files, got ${String(mostDescriptors())}`,
      )
    }
    rows.push(...(await fleetRows(context, streams)))
  }
  return rows
}

/** A controller and the fleet on it. */
interface Fleet {
  readonly context: BenchContext
  readonly streams: number
  readonly controller: ControllerUnderTest
  readonly loads: readonly LoadProcess<WatchLoad>[]
}

async function fleetRows(context: BenchContext, streams: number): Promise<Row[]> {
  await using opened = new AsyncDisposableStack()
  const controller = opened.use(await startControllerUnderTest())
  const loads = Array.from({ length: loadProcesses }, () =>
    opened.use(startLoad<WatchLoad>('watch-load.ts')),
  )
  const fleet: Fleet = { context, streams, controller, loads }
  const name = `${streams.toLocaleString('en-US')} streams`
  await enrolFleet(fleet)
  // What enrolling left in the heap is not the connections'.
  await controller.restart()
  await delay(settleMs(context))
  const withoutConnections = controller.residentBytes()
  const opening = await timed(() => askAll(loads, 'open'))
  context.say(`${name}: open in ${opening.toFixed(1)} s`)
  return [
    rowOf({ test: name, metric: 'opened, 100 at a time', unit: 's', better: 'less', note }, [
      opening,
    ]),
    ...(await idleRows(fleet, name)),
    ...(await pushRows(fleet, name)),
    ...(await killRows(fleet, name, withoutConnections)),
  ]
}

async function enrolFleet({ context, streams, controller, loads }: Fleet): Promise<void> {
  const { address, root } = controller
  await controller.admin().call('Apply', {
    text: Array.from({ length: policies }, (_, number) => policy(number)).join('---\n'),
  })
  const count = streams / loads.length
  const tokens = await createTokens(controller, loads.length, Math.ceil(count))
  const seconds = await timed(() =>
    Promise.all(
      loads.map((load, at) => {
        const token = tokens[at] ?? ''
        return load.ask('enrol', { address, root, token, names: `w${String(at)}`, count })
      }),
    ),
  )
  context.say(`${String(streams)} workloads enrolled in ${seconds.toFixed(1)} s`)
}

function policy(number: number, port = 443): string {
  const app = `service-${String(number)}-of-twenty-that-every-member-of-the-fleet-may-talk-to`
  return `
kind: NetworkPolicy
name: ${app}
spec:
  from: { label.join: bench }
  to: { label.join: bench, label.unset: '!*' }
  ports: [tcp/${String(port)}]
  action: allow
`
}

/** Heartbeats every 10 s, pings every 30 s: a whole number of both. */
async function idleRows({ context, controller }: Fleet, name: string): Promise<Row[]> {
  await delay(settleMs(context))
  const windowMs = context.isQuick ? 200 : idleWindowMs
  const shares: number[] = []
  for (let window = 0; window < idleWindows; window++) {
    const before = controller.cpuSeconds()
    const seconds = await timed(() => delay(windowMs))
    shares.push(((controller.cpuSeconds() - before) / seconds) * 100)
  }
  const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length
  context.say(`${name}: idle ${mean.toFixed(1)} % of a core`)
  const measure = {
    test: name,
    metric: 'idle, share of a core',
    unit: '%',
    better: 'less',
  } as const
  const about =
    'The mean of six windows of 10 s, in which heartbeats and keep-alive pings fall unevenly.'
  return [{ ...rowOf({ ...measure, note: about }, shares), ours: mean }]
}

/** A change of one policy that concerns every stream, from the call until the last has it. */
async function pushRows(fleet: Fleet, name: string): Promise<Row[]> {
  const { context, controller, loads, streams } = fleet
  const rounds: { last: number; p99: number; median: number; cpu: number }[] = []
  // The first runs before the code is compiled.
  for (let round = -1; round < (context.isQuick ? 1 : pushes); round++) {
    await askAll(loads, 'expect')
    const told = askAll(loads, 'told')
    const before = controller.cpuSeconds()
    const start = sharedMicroseconds()
    await controller.admin().call('Apply', { text: policy(0, 1_000 + round) })
    const { median, p99, last, loadSeconds } = merged(await told, start)
    // Acknowledgements are part of a push, and come after it.
    await delay(context.isQuick ? 50 : 500)
    const cpu = ((controller.cpuSeconds() - before) / streams) * 1e6
    context.say(
      `${name}: last told after ${last.toFixed(0)} ms, load generators busy for ${loadSeconds.toFixed(2)} s`,
    )
    if (round >= 0) rounds.push({ last, p99, median, cpu })
  }
  const target = streams === 10_000 ? { target: 1_000 } : {}
  const row = (
    measure: Pick<Measure, 'metric' | 'unit' | 'target'>,
    key: keyof (typeof rounds)[0],
  ): Row =>
    rowOf(
      { test: name, better: 'less', ...measure },
      rounds.map((one) => one[key]),
    )
  return [
    row({ metric: 'one policy pushed to all, last', unit: 'ms', ...target }, 'last'),
    row({ metric: 'one policy pushed to all, p99', unit: 'ms' }, 'p99'),
    row({ metric: 'one policy pushed to all, median', unit: 'ms' }, 'median'),
    row({ metric: 'processor time of a push and its answer', unit: 'µs' }, 'cpu'),
  ]
}

/** From SIGKILL until the controller, started again at once, has told every stream its policy. */
async function killRows(fleet: Fleet, name: string, withoutConnections: number): Promise<Row[]> {
  const { context, controller, loads, streams } = fleet
  const rounds: { half: number; all: number; cpu: number; memory: number }[] = []
  const memoryOf = (): number => (controller.residentBytes() - withoutConnections) / streams / 1_024
  const memories = [memoryOf()]
  for (let round = 0; round < (context.isQuick ? 1 : kills); round++) {
    await askAll(loads, 'expect')
    const told = askAll(loads, 'told')
    const start = sharedMicroseconds()
    await controller.restart()
    const { median, last } = merged(await told, start)
    const cpu = (controller.cpuSeconds() / streams) * 1e6
    await delay(settleMs(context))
    memories.push(memoryOf())
    rounds.push({ half: median / 1_000, all: last / 1_000, cpu, memory: memoryOf() })
    context.say(`${name}: all back after ${(last / 1_000).toFixed(1)} s`)
  }
  const less = { test: name, better: 'less' } as const
  const samples = (key: keyof (typeof rounds)[0]): number[] => rounds.map((one) => one[key])
  return [
    rowOf({ ...less, metric: 'controller killed, half back', unit: 's' }, samples('half')),
    rowOf({ ...less, metric: 'controller killed, all back', unit: 's' }, samples('all')),
    rowOf(
      {
        ...less,
        metric: 'processor time of one back, its share of the start included',
        unit: 'µs',
      },
      samples('cpu'),
    ),
    rowOf({ ...less, metric: 'resident memory of a connection', unit: 'KB' }, memories),
  ]
}

function askAll<Name extends 'open' | 'expect' | 'told'>(
  loads: readonly LoadProcess<WatchLoad>[],
  name: Name,
): Promise<Awaited<ReturnType<WatchLoad[Name]>>[]> {
  return Promise.all(loads.map((load) => load.ask(name, undefined)))
}

/** Of several generators, each with the same part of the fleet: the latest of each figure, in ms since `start`. */
function merged(
  told: readonly Told[],
  start: number,
): { median: number; p99: number; last: number; loadSeconds: number } {
  const latest = (key: keyof Told): number => Math.max(...told.map((one) => one[key]))
  const since = (microseconds: number): number => (microseconds - start) / 1_000
  return {
    median: since(latest('medianMicroseconds')),
    p99: since(latest('p99Microseconds')),
    last: since(latest('lastMicroseconds')),
    loadSeconds: latest('cpuSeconds'),
  }
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await work()
  return (performance.now() - start) / 1_000
}

/** Until garbage of the start is collected and nothing is under way. */
function settleMs({ isQuick }: BenchContext): number {
  return isQuick ? 50 : 3_000
}
