import { setImmediate as turn } from 'node:timers/promises'
import type { Steps } from '../base/steps.ts'

/** Work of one turn of the event loop: heartbeats and enrolments wait no longer for it. */
const turnMs = 4

/** Lets the event loop have its turn whenever the work in hand has held it for long enough. */
export interface Turns {
  /** To be awaited where it is not undefined. */
  next(): Promise<void> | undefined
}

export function createTurns(): Turns {
  let sinceMs = performance.now()
  const pause = async (): Promise<void> => {
    await turn()
    sinceMs = performance.now()
  }
  return { next: () => (performance.now() - sinceMs < turnMs ? undefined : pause()) }
}

/** Runs steps to their result, over as many turns as it takes. */
export async function inTurns<Result>(steps: Steps<Result>): Promise<Result> {
  const turns = createTurns()
  for (;;) {
    const { done, value } = steps.next()
    if (done === true) return value
    const next = turns.next()
    if (next !== undefined) await next
  }
}

/** What `work` makes of each item, over as many turns as it takes. */
export async function mapInTurns<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Result,
): Promise<Result[]> {
  return inTurns(mapSteps(items, work))
}

function* mapSteps<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Result,
): Steps<Result[]> {
  const results: Result[] = []
  for (const item of items) {
    results.push(work(item))
    yield
  }
  return results
}
