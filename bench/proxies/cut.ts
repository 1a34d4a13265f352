import { eventually } from '../../test/support/poll.ts'
import type { Traffic } from '../load/traffic.ts'
import { sharedMicroseconds } from '../load/usage.ts'
import { rowOf, type Measure, type Row } from '../row.ts'
import { blazon } from './blazon.ts'
import { roundsOf, type Part } from './part.ts'
import { sayRow } from './rounds.ts'

const streams = 1_000
const test = `cut of ${streams.toLocaleString('en-US')} streams that policy no longer allows`
const longestMs = 30_000

/** How long streams outlive the policy that allowed them, as the program at their beginning sees it. */
export const cutPart: Part = {
  tests: [test],
  run: async (arena, context) => {
    const sidecars = blazon(arena.controller)
    await using pair = await arena.start(sidecars)
    const found: Cut[] = []
    // The first round runs before the code is compiled.
    for (let round = -1; round < roundsOf(context); round++) {
      await sidecars.decide('allow')
      await eventually('a stream to be allowed', () => isAllowed(arena.traffic, pair.port))
      const cut = await cutOnce(arena.traffic, pair.port, () => sidecars.decide('deny'))
      if (round >= 0) found.push(cut)
    }
    const rows = rowsOf(found)
    for (const row of rows) sayRow(context.say, row)
    return rows
  },
}

/** In ms; what was cut before the acknowledgement arrived counts as less than nothing. */
interface Cut {
  readonly p50: number
  readonly p99: number
  readonly last: number
  /** The last one, from when the administrator called. */
  readonly fromCall: number
}

async function cutOnce(traffic: Traffic, port: number, deny: () => Promise<void>): Promise<Cut> {
  await using open = await traffic.idle(port, streams)
  const late = AbortSignal.timeout(longestMs)
  const cut = open.cut()
  const calledAt = sharedMicroseconds()
  await deny()
  const acknowledgedAt = sharedMicroseconds()
  const at = await Promise.race([cut, rejection(late)])
  const since = (start: number, microseconds: number): number => (microseconds - start) / 1_000
  return {
    p50: since(acknowledgedAt, at.p50Microseconds),
    p99: since(acknowledgedAt, at.p99Microseconds),
    last: since(acknowledgedAt, at.lastMicroseconds),
    fromCall: since(calledAt, at.lastMicroseconds),
  }
}

async function rejection(signal: AbortSignal): Promise<never> {
  return await new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => {
      reject(new Error(`expected all streams to be cut within ${String(longestMs)} ms`))
    })
  })
}

async function isAllowed(traffic: Traffic, port: number): Promise<boolean> {
  const { errors } = await traffic.echo('connect', port, 1, 0.02)
  return errors === 0
}

function rowsOf(found: readonly Cut[]): Row[] {
  const row = (key: keyof Cut, measure: Pick<Measure, 'metric' | 'target'>): Row =>
    rowOf(
      { test, unit: 'ms', better: 'less', ...measure },
      found.map((cut) => cut[key]),
    )
  return [
    row('p50', { metric: 'from the acknowledgement, p50' }),
    row('p99', { metric: 'from the acknowledgement, p99', target: 50 }),
    row('last', { metric: 'from the acknowledgement, last' }),
    row('fromCall', { metric: 'from the call, last' }),
  ]
}
