import { setTimeout as delay } from 'node:timers/promises'
import { messageOf } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import type { SidecarLogLevel } from '../config.ts'
import { openDataPlane, sourcesOf, type DataPlane } from '../data-plane.ts'
import { createFlowRecorder, type FlowRecorder } from '../flow-recorder.ts'
import { createMetrics, type Metrics } from '../metrics.ts'
import { createFollowedGround, type FollowedGround } from './followed-ground.ts'
import type { NumberedOrder, Order, Report } from './messages.ts'

/** A worker's end of the way to the process that started it. */
export interface WorkerChannel {
  /** Calls `listener` with every order, in order. */
  onOrder(listener: (order: Order) => void): void
  /** Resolves once the report is on its way. */
  send(report: Report): Promise<void>
  /** Nothing is under way here any more: without the channel this process may end by itself, not at once. */
  retire(): void
  /** Ends this process, at once. */
  end(): void
}

interface Work {
  readonly ground: FollowedGround
  readonly metrics: Metrics
  readonly recorder: FlowRecorder
  /** Rejects when the listeners cannot be opened. */
  readonly data: Promise<DataPlane>
}

const tallyIntervalMs = 1_000

/**
 * Carries connections as it is told, until it is ended: a data plane that has no way to a controller
 * and no state of its own. What it cannot take, or cannot carry out, ends it, so that nothing is decided by
 * what is no longer in force.
 */
export function serveWorker(
  channel: WorkerChannel,
  createLog: (level: SidecarLogLevel) => Logger,
): void {
  let work: Work | undefined

  const begin = (order: Order & { readonly kind: 'start' }): void => {
    const log = createLog(order.config.logLevel)
    const begun = startWork(order, log)
    work = begun
    begun.data
      .then(
        async () => {
          await channel.send({ kind: 'listening' })
          await keepTally(begun, channel)
        },
        async (error: unknown) => {
          await channel.send({ kind: 'failed', message: messageOf(error) })
          channel.end()
        },
      )
      .catch(fail)
  }
  const fail = (error: unknown): void => {
    void channel.send({ kind: 'failed', message: messageOf(error) }).finally(() => {
      channel.end()
    })
  }

  channel.onOrder((order) => {
    if (order.kind === 'start') begin(order)
    else if (work === undefined) fail(new Error('BUG: an order before the start'))
    else carryOut(work, order, channel).catch(fail)
  })
}

function startWork(order: Order & { readonly kind: 'start' }, log: Logger): Work {
  const { config, news, names } = order
  const metrics = createMetrics()
  const ground = createFollowedGround({ trustDomain: config.trustDomain, first: news, log })
  const recorder = createFlowRecorder({ clock: ground.clock })
  const data = openDataPlane({ config, ground, recorder, metrics, log }).then((opened) => {
    metrics.observeData(sourcesOf(opened))
    for (const answer of names) opened.names.learn(answer)
    return opened
  })
  return { ground, metrics, recorder, data }
}

async function carryOut(work: Work, order: NumberedOrder, channel: WorkerChannel): Promise<void> {
  const { number } = order
  switch (order.kind) {
    case 'news':
      work.ground.take(order.news)
      break
    case 'names': {
      const { names } = await work.data
      for (const answer of order.names) names.learn(answer)
      break
    }
    case 'read':
      await channel.send({ kind: 'done', number, readings: await work.metrics.readings() })
      return
    case 'drain':
      await (await work.data).drain(order.deadlineMs)
      await sendTally(work, channel)
      channel.retire()
      break
    default:
      order satisfies never
  }
  await channel.send({ kind: 'done', number })
}

/** Each waits until the one before has gone: what nobody takes stays with the recorder, within its limits. */
async function keepTally(work: Work, channel: WorkerChannel): Promise<void> {
  for (;;) {
    await delay(tallyIntervalMs, undefined, { ref: false })
    await sendTally(work, channel)
  }
}

async function sendTally({ recorder, metrics }: Work, channel: WorkerChannel): Promise<void> {
  const counts = await metrics.counts()
  const tally = { flows: recorder.take(), flowsLost: recorder.takeLost(), counts }
  await channel.send({ kind: 'tally', ...tally })
}
