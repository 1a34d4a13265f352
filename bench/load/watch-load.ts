import { createSecureContext } from 'node:tls'
import type { HostPort } from '../../src/base/env.ts'
import { toPem } from '../../src/cli/pem.ts'
import { newKeys } from '../../test/support/test-ca.ts'
import { quantile } from '../row.ts'
import { chainOf, createApplicant, enrol } from './applicant.ts'
import { openSession } from './grpc-session.ts'
import { answerCommands } from './load-process.ts'
import { sharedMicroseconds } from './usage.ts'
import { createWatchClient, type WatchClient } from './watch-client.ts'

/** A load generator that is many sidecars, as far as the controller can tell by their connections. */
export interface WatchLoad {
  /** Enrols so many workloads of one node and keeps their certificates. */
  enrol(order: WatchOrder): Promise<void>
  /** Opens a stream for each over a connection of its own; fulfils when every one has its policy. */
  open(): Promise<void>
  /** From now on, counts who has got a snapshot; `told` is to be asked afterwards. */
  expect(): Promise<void>
  /** When every one has got one: when they did, on the clock that all processes share. */
  told(): Promise<Told>
}

export interface WatchOrder {
  readonly address: HostPort
  readonly root: Buffer
  readonly token: string
  readonly names: string
  readonly count: number
}

export interface Told {
  readonly medianMicroseconds: number
  readonly p99Microseconds: number
  readonly lastMicroseconds: number
  /** Processor time of this process since `expect`, seconds. */
  readonly cpuSeconds: number
}

/** Handshakes under way at once when the streams are first opened: four such processes have one address, which gets 384. */
const opening = 90
const enrolling = 32
const tellMs = 180_000

let clients: WatchClient[] = []
let round = newRound()

interface Round {
  readonly receivedAt: number[]
  readonly told: PromiseWithResolvers<undefined>
  readonly cpu: NodeJS.CpuUsage
}

function newRound(): Round {
  return { receivedAt: [], told: Promise.withResolvers<undefined>(), cpu: process.cpuUsage() }
}

function noteSnapshot(): void {
  round.receivedAt.push(sharedMicroseconds())
  if (round.receivedAt.length === clients.length) round.told.resolve(undefined)
}

answerCommands<WatchLoad>({
  enrol: async (order) => {
    clients = await enrolAll(order)
  },
  open: () => eachOf(clients, opening, (client) => client.open()),
  expect: async () => {
    round = newRound()
    for (const client of clients) client.expectSnapshot()
  },
  told: async () => {
    const current = round
    const late = setTimeout(() => {
      const seen = `${String(current.receivedAt.length)} of ${String(clients.length)}`
      current.told.reject(new Error(`expected all to be told, ${seen} were; ${complaints()}`))
    }, tellMs)
    await current.told.promise.finally(() => {
      clearTimeout(late)
    })
    const { user, system } = process.cpuUsage(current.cpu)
    const at = current.receivedAt
    return {
      medianMicroseconds: quantile(at, 0.5),
      p99Microseconds: quantile(at, 0.99),
      lastMicroseconds: quantile(at, 1),
      cpuSeconds: (user + system) / 1e6,
    }
  },
})

async function enrolAll(order: WatchOrder): Promise<WatchClient[]> {
  const { address, root, token, names, count } = order
  const ca = toPem(root)
  const context = createSecureContext({ ca, minVersion: 'TLSv1.3' })
  const sessions = await Promise.all(Array.from({ length: 4 }, () => openSession(address, context)))
  const nodeKeys = newKeys()
  const made: WatchClient[] = []
  const places = Array.from({ length: count }, (_, at) => at)
  await eachOf(places, enrolling, async (at) => {
    const session = sessions[at % sessions.length]
    if (session === undefined) throw new Error('BUG: no connection')
    const applicant = createApplicant(`${names}-${String(at)}`, token, nodeKeys)
    const answer = await enrol(session, session.controllerKeySha256(), applicant)
    const identity = {
      ca,
      cert: chainOf(answer).map(toPem).join(''),
      key: applicant.privateKey.export({ format: 'pem', type: 'pkcs8' }),
    }
    made.push(createWatchClient({ address, identity, onSnapshot: noteSnapshot }))
  })
  for (const session of sessions) session.close()
  return made
}

async function eachOf<T>(
  all: readonly T[],
  atOnce: number,
  act: (one: T) => Promise<void>,
): Promise<void> {
  const queue = all.values()
  const lane = async (): Promise<void> => {
    for (const one of queue) await act(one)
  }
  await Promise.all(Array.from({ length: atOnce }, lane))
}

/** What the streams that ended were told, each text once. */
function complaints(): string {
  const texts = new Set(clients.flatMap(({ complaint }) => complaint ?? []))
  return [...texts].slice(0, 3).join('; ')
}
