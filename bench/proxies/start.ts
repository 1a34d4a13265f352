import { once } from 'node:events'
import { connect } from 'node:tls'
import { alpnProtocol } from '../../src/tunnel/index.ts'
import { comparedRow } from '../compare.ts'
import { rowOf, type BenchContext, type Row } from '../row.ts'
import type { Arena } from './arena.ts'
import { blazon, createLoneSidecar, type LoneSidecar } from './blazon.ts'
import { roundsOf, type Part } from './part.ts'
import { sayRow } from './rounds.ts'
import { createTurns } from './turns.ts'

const loneTest = 'start of a sidecar until it is ready'
const pairTest = 'start of a pair until the first answer through it'

/** From the beginning of the processes until they do what they are there for. */
export const startPart: Part = {
  tests: [loneTest, pairTest],
  run: async (arena, context) => [
    ...(context.isWanted(loneTest) ? await loneRows(arena, context) : []),
    ...(context.isWanted(pairTest) ? [await pairRow(arena, context)] : []),
  ],
}

/** Ready: it holds a certificate and a policy, says so, and does its part of a handshake for a tunnel. */
async function loneRows(arena: Arena, context: BenchContext): Promise<Row[]> {
  const enrolled: number[] = []
  const again: number[] = []
  for (let round = 0; round < roundsOf(context); round++) {
    const sidecar = await createLoneSidecar(arena.controller)
    enrolled.push(await readyMs(arena, sidecar))
    again.push(await readyMs(arena, sidecar))
  }
  const measure = { test: loneTest, unit: 'ms', better: 'less' } as const
  const rows = [
    rowOf({ ...measure, metric: 'the first time, enrolment included' }, enrolled),
    rowOf({ ...measure, metric: 'again, with what it has kept' }, again),
  ]
  for (const row of rows) sayRow(context.say, row)
  return rows
}

async function readyMs(arena: Arena, sidecar: LoneSidecar): Promise<number> {
  await using started = await arena.start(sidecar)
  const from = performance.now()
  await handshake(sidecar.tunnel)
  return started.startMs + performance.now() - from
}

/** As far as somebody without a certificate gets. */
async function handshake(port: number): Promise<void> {
  const signal = AbortSignal.timeout(5_000)
  const socket = connect({
    ...{ host: '127.0.0.1', port, minVersion: 'TLSv1.3', ALPNProtocols: [alpnProtocol] },
    rejectUnauthorized: false,
  })
  try {
    await once(socket, 'secureConnect', { signal })
  } finally {
    socket.on('error', () => undefined) // it is refused in the end, for it proves nothing
    socket.destroy()
  }
}

/** Each with the files that it needs already there, as after a restart of the machine. */
async function pairRow(arena: Arena, context: BenchContext): Promise<Row> {
  const ours = blazon(arena.controller)
  const turns = createTurns([ours, ...arena.peers], context.say)
  const samples = new Map<string, number[]>()
  // In the first round sidecars enrol.
  for (let round = -1; round < roundsOf(context); round++) {
    await turns.take(async (contender) => {
      await using pair = await arena.start(contender)
      if (round < 0) return
      samples.set(contender.name, [...(samples.get(contender.name) ?? []), pair.startMs])
    })
  }
  const about = { test: pairTest, metric: 'time', unit: 'ms', better: 'less' } as const
  const measure = { ...about, ...turns.note() }
  const row = comparedRow(measure, ours.name, samples)
  sayRow(context.say, row)
  return row
}
