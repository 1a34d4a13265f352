import { setImmediate } from 'node:timers/promises'
import type { SerialQueue } from '../serial-queue.ts'
import type { DeferredWrites } from '../workloads/deferred-writes.ts'
import { concernsOf, type Enrolled, type PlanEnrolment, type PlannedEnrolment } from './enrol.ts'
import type { Proof } from './proof.ts'

/** Enrolments that share a commit. More would save little more, and keep other changes waiting. */
const mostTogether = 32

interface Waiting {
  readonly proof: Proof
  readonly result: PromiseWithResolvers<Enrolled>
}

interface Planned extends Waiting {
  readonly plan: PlannedEnrolment
}

/**
 * Enrols what waits at the same time in one transaction: writing to the disk is a third of what an
 * enrolment costs, and a fleet that starts enrols all at once. Those in one transaction concern
 * different nodes, so that none could have been decided otherwise by knowing of the others; one that
 * the store refuses takes none with it. What a caller is told has been durable before.
 */
export function createEnrolmentBatches(deps: {
  readonly deferred: Pick<DeferredWrites, 'change'>
  readonly changes: SerialQueue
  readonly plan: PlanEnrolment
  /** How many have asked for a nonce and have not used it yet. */
  readonly underWay: () => number
  /** How long the first waits for those; the default is about what the commit takes that they share. */
  readonly longestWaitMs?: number
}): (proof: Proof) => Promise<Enrolled> {
  const { deferred, changes, plan, underWay, longestWaitMs = 10 } = deps
  let waiting: Waiting[] = []
  let isServing = false
  let onArrival = (): void => undefined

  const isGathered = (): boolean => waiting.length >= mostTogether || underWay() === 0

  /** Other changes go on meanwhile. */
  const gather = async (): Promise<void> => {
    if (isGathered()) return
    const gathered = Promise.withResolvers<undefined>()
    const late = setTimeout(gathered.resolve, longestWaitMs, undefined)
    onArrival = () => {
      if (isGathered()) gathered.resolve(undefined)
    }
    await gathered.promise
    clearTimeout(late)
  }

  /** Decides on those in front that concern nothing in common; a refused one is answered at once. */
  const planBatch = async (): Promise<Planned[]> => {
    const planned: Planned[] = []
    const left: Waiting[] = []
    const concerned = new Set<string>()
    const isFree = (concerns: readonly string[]): boolean =>
      !concerns.some((one) => concerned.has(one))
    for (const one of waiting.splice(0, mostTogether)) {
      if (!isFree(concernsOf(one.proof))) {
        left.push(one)
        continue
      }
      try {
        const decided = await plan(one.proof)
        if (isFree(decided.concerns)) planned.push({ ...one, plan: decided })
        else left.push(one)
        for (const concern of decided.concerns) concerned.add(concern)
      } catch (error: unknown) {
        one.result.reject(error)
      }
    }
    waiting = [...left, ...waiting]
    return planned
  }

  const write = async (batch: readonly PlannedEnrolment[]): Promise<void> => {
    await deferred.change(async (tables) => {
      for (const one of batch) await one.write(tables)
    })
  }

  /** Plans anew, because what was written in vain may not be written again as it was. */
  const enrolAlone = async ({ proof }: Waiting): Promise<Enrolled> => {
    const alone = await plan(proof)
    await write([alone])
    return alone.finish()
  }

  const enrolBatch = async (): Promise<void> => {
    // Whatever has arrived by now is read before the first is decided on: the store is synchronous.
    if (waiting.length > 0) await setImmediate()
    const batch = await planBatch()
    if (batch.length === 0) return
    try {
      await write(batch.map((one) => one.plan))
    } catch (error: unknown) {
      if (batch.length === 1) batch[0]?.result.reject(error)
      else
        for (const one of batch) await enrolAlone(one).then(one.result.resolve, one.result.reject)
      return
    }
    for (const { plan: planned, result } of batch) {
      try {
        result.resolve(planned.finish())
      } catch (error: unknown) {
        result.reject(error)
      }
    }
  }

  const serve = async (): Promise<void> => {
    isServing = true
    try {
      while (waiting.length > 0) {
        await gather()
        await changes.run(enrolBatch)
      }
    } catch (error: unknown) {
      for (const { result } of waiting.splice(0)) result.reject(error)
    } finally {
      isServing = false
    }
  }

  return async (proof) => {
    const result = Promise.withResolvers<Enrolled>()
    waiting.push({ proof, result })
    onArrival()
    if (!isServing) void serve()
    return await result.promise
  }
}
