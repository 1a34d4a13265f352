import type { ChildProcess } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from '../../base/logger.ts'
import type { Carrier } from '../carrier.ts'
import type { SidecarConfig } from '../config.ts'
import type { ControlPlane } from '../control-plane.ts'
import type { FlowRecorder } from '../flow-recorder.ts'
import { addUp, type Metrics, type MetricsPage, type Readings } from '../metrics.ts'
import { workerConfig } from './messages.ts'
import { createNewsSource } from './news.ts'
import { settleAddresses } from './shared-addresses.ts'
import { openSharedNames } from './shared-names.ts'
import { followWorker } from './worker-process.ts'
import { createWorkforce, type Employed, type Workforce } from './workforce.ts'

/** A scrape waits for a worker so long, then goes by what it has counted before. */
const longestReadMs = 1_000

/**
 * Carries connections in `config.workers` processes that share the listeners and are told whatever
 * decisions go by. Rejects where the first ones cannot listen.
 */
export async function openWorkers(options: {
  readonly config: SidecarConfig
  readonly control: ControlPlane
  readonly recorder: FlowRecorder
  readonly metrics: Metrics
  readonly launch: () => ChildProcess
  readonly log: Logger
}): Promise<Carrier> {
  const { control, recorder, metrics, log } = options
  await using opened = new AsyncDisposableStack()
  const hire = (): Pick<Employed, 'process' | 'news'> => {
    const news = createNewsSource(control)
    const start = { kind: 'start', config, news: news(), names: names.service.known() } as const
    const onTally: Parameters<typeof followWorker>[0]['onTally'] = ({ flows, flowsLost }) => {
      recorder.add(flows, flowsLost)
    }
    return { process: followWorker({ child: options.launch(), start, onTally, log }), news }
  }
  const workforce = createWorkforce(hire, log)
  const listening = (): Workforce['listening'] => workforce.listening
  const names = opened.use(await openSharedNames({ ...options, listening }))
  const settled = await settleAddresses(workerConfig(options.config), names.service, log)
  const { config, egressAddresses, ingressAddresses } = settled

  opened.use(workforce)
  opened.use(spreadNews(control, workforce))
  await workforce.engage(config.workers)
  metrics.observeWorkers({
    listening: () => workforce.listening.length,
    ended: () => workforce.ended,
  })
  const parts = opened.move()
  return {
    egressAddresses: [...egressAddresses, ...names.addresses],
    ingressAddresses,
    changed: workforce.changed,
    missing: () => missingOf(workforce, config.workers),
    inForce: async () => {
      await Promise.all([...workforce.present].map(async ({ told }) => await told))
    },
    page: async () => await pageOf(metrics, workforce),
    drain: async (deadlineMs) => {
      await names.stop()
      await workforce.dismiss(deadlineMs)
      await parts.disposeAsync()
    },
  }
}

/** Tells every worker whatever changes, in the order in which it does. */
function spreadNews(
  { mesh, identity, contact }: ControlPlane,
  { present }: Workforce,
): DisposableStack {
  const subscriptions = new DisposableStack()
  const spread = (): void => {
    for (const worker of present) {
      worker.told = worker.process.tell({ kind: 'news', news: worker.news() })
    }
  }
  for (const { changed } of [mesh, identity, contact]) {
    subscriptions.defer(changed.subscribe(spread))
  }
  return subscriptions
}

function missingOf({ listening }: Workforce, wanted: number): readonly string[] {
  const there = listening.length
  return there === wanted ? [] : [`${String(there)} of ${String(wanted)} workers`]
}

/** Who ends meanwhile is counted once: among those that are there. */
async function pageOf(metrics: Metrics, { past, present }: Workforce): Promise<MetricsPage> {
  const ofWorkers = [...present].map(read)
  const readings = await Promise.all([metrics.readings(), past, ...ofWorkers])
  return await addUp(readings).page()
}

async function read({ process }: Employed): Promise<Readings> {
  const waited = delay(longestReadMs, undefined, { ref: false })
  return (await Promise.race([process.tell({ kind: 'read' }), waited])) ?? process.counts
}
