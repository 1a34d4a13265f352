import { createSecureContext, type SecureContext } from 'node:tls'
import type { HostPort } from '../../src/base/env.ts'
import { toPem } from '../../src/cli/pem.ts'
import { quantile } from '../row.ts'
import { chainOf, createApplicant, enrol, type Applicant } from './applicant.ts'
import { openSession, type GrpcSession } from './grpc-session.ts'
import { answerCommands } from './load-process.ts'

/** A load generator that enrols workloads, each of a node of its own. */
export interface EnrolmentLoad {
  /** Makes keys, requests and, for `warm`, connections. */
  prepare(order: EnrolmentOrder): Promise<void>
  /** Enrols all that were prepared, and checks every answer once the clock has stopped. */
  run(): Promise<EnrolmentTimes>
}

export interface EnrolmentOrder {
  readonly address: HostPort
  readonly root: Buffer
  /** One for each enrolment. */
  readonly tokens: readonly string[]
  /** `warm`: over connections that stand. `cold`: over a new one each. */
  readonly connections: 'warm' | 'cold'
  readonly atOnce: number
}

export interface EnrolmentTimes {
  readonly seconds: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** Processor time of this process. */
  readonly cpuSeconds: number
}

const warmConnections = 4

let order: EnrolmentOrder | undefined
let applicants: Applicant[] = []
let context: SecureContext | undefined
let warm: readonly GrpcSession[] = []
let names = 0

answerCommands<EnrolmentLoad>({
  prepare: async (given) => {
    order = given
    const secureContext = createSecureContext({ ca: toPem(given.root), minVersion: 'TLSv1.3' })
    context = secureContext
    applicants = given.tokens.map((token) => createApplicant(`w${String(++names)}`, token))
    for (const session of warm) session.close()
    warm = await Promise.all(
      Array.from({ length: warmConnections }, () => openSession(given.address, secureContext)),
    )
  },
  run: async () => {
    if (order === undefined || context === undefined) throw new Error('expected "prepare" before')
    const [first] = warm
    const key = first?.controllerKeySha256() ?? ''
    const enrolOne =
      order.connections === 'warm' ? overWarm(warm, key) : overNew(order.address, context, key)
    const { answers, ...times } = await timed(applicants, order.atOnce, enrolOne)
    const chains = new Set(answers.map((answer) => chainOf(answer).join()))
    if (chains.size !== applicants.length) throw new Error('expected a certificate for each')
    return times
  },
})

type EnrolOne = (applicant: Applicant, lane: number) => Promise<Buffer>

function overWarm(sessions: readonly GrpcSession[], key: string): EnrolOne {
  return (applicant, lane) => {
    const session = sessions[lane % sessions.length]
    if (session === undefined) throw new Error('BUG: no connection')
    return enrol(session, key, applicant)
  }
}

function overNew(address: HostPort, secureContext: SecureContext, key: string): EnrolOne {
  return async (applicant) => {
    const session = await openSession(address, secureContext)
    try {
      return await enrol(session, key, applicant)
    } finally {
      session.close()
    }
  }
}

async function timed(
  all: readonly Applicant[],
  atOnce: number,
  enrolOne: EnrolOne,
): Promise<EnrolmentTimes & { readonly answers: readonly Buffer[] }> {
  const answers: Buffer[] = []
  const latencies: number[] = []
  const queue = all.values()
  const lane = async (_: unknown, number: number): Promise<void> => {
    for (const applicant of queue) {
      const start = performance.now()
      answers.push(await enrolOne(applicant, number))
      latencies.push(performance.now() - start)
    }
  }
  const cpuBefore = process.cpuUsage()
  const start = performance.now()
  await Promise.all(Array.from({ length: atOnce }, lane))
  const seconds = (performance.now() - start) / 1_000
  const { user, system } = process.cpuUsage(cpuBefore)
  latencies.sort((a, b) => a - b)
  return {
    answers,
    seconds,
    p50Ms: quantile(latencies, 0.5),
    p99Ms: quantile(latencies, 0.99),
    cpuSeconds: (user + system) / 1e6,
  }
}
