import { setTimeout as delay } from 'node:timers/promises'
import type { HostPort } from '../../base/env.ts'
import type { Logger } from '../../base/logger.ts'
import type { OpenedListeners } from '../capture.ts'
import type { SidecarConfig } from '../config.ts'
import type { ControlPlane } from '../control-plane.ts'
import type { AnsweredAddresses } from '../names/answered-addresses.ts'
import { openNameDoors } from '../names/name-door.ts'
import { createNameService, type NameService } from '../names/name-service.ts'
import type { WorkerProcess } from './worker-process.ts'

/** Where programs ask for names, in the process that has started the workers. */
export interface SharedNames extends AsyncDisposable {
  readonly service: NameService
  readonly addresses: readonly HostPort[]
  /** Answers nothing new from here on. */
  stop(): Promise<void>
}

/** A worker that is slower than this has not learned the name yet, and refuses what goes by it. */
const longestWaitMs = 1_000

/**
 * Answers questions for names where the configuration asks for that. A program that has its answer may
 * connect to any worker, so all that listen learn of it first.
 */
export async function openSharedNames({
  config,
  control,
  listening,
  log,
}: {
  readonly config: SidecarConfig
  readonly control: Pick<ControlPlane, 'mesh' | 'clock'>
  readonly listening: () => readonly WorkerProcess[]
  readonly log: Logger
}): Promise<SharedNames> {
  const { capture, resolvers } = config
  const onLearned = async (answer: AnsweredAddresses): Promise<void> => {
    const told = listening().map(
      async (worker) => await worker.tell({ kind: 'names', names: [answer] }),
    )
    await Promise.race([Promise.all(told), delay(longestWaitMs, undefined, { ref: false })])
  }
  const service = createNameService({
    resolvers,
    isOfInterest: (name) => control.mesh.outside.hasName(name),
    onLearned,
    clock: control.clock,
  })
  const isAsked = capture.kind === 'redirect' && resolvers.length > 0
  const doors = isAsked ? await openNameDoors(capture.dnsPort, service, log) : noDoors
  let stopped: Promise<void> | undefined
  const stop = async (): Promise<void> => await (stopped ??= doors.stop())
  return {
    service,
    addresses: doors.addresses,
    stop,
    [Symbol.asyncDispose]: async () => {
      service[Symbol.dispose]()
      await stop()
    },
  }
}

const noDoors: OpenedListeners = {
  addresses: [],
  stop: async () => {
    await Promise.resolve()
  },
}
