import { setTimeout as delay } from 'node:timers/promises'
import { createBackoff } from '../../base/backoff.ts'
import type { Logger } from '../../base/logger.ts'
import { createChange, type Change } from '../change.ts'
import { addUp, type Readings } from '../metrics.ts'
import type { News } from './news.ts'
import type { WorkerProcess } from './worker-process.ts'

/** A worker that is there, whether it listens already or not. */
export interface Employed {
  readonly process: WorkerProcess
  /** What is new to it. */
  readonly news: () => News
  isListening: boolean
  /** Resolves once the last news is what it decides by; it has started with what was news then. */
  told: Promise<unknown>
}

/** As many workers as are wanted: for one that ends, another one is started. Disposing of it kills all. */
export interface Workforce extends AsyncDisposable {
  /** Those that are there. */
  readonly present: ReadonlySet<Employed>
  readonly listening: readonly WorkerProcess[]
  /** Those that have ended unasked. */
  readonly ended: number
  /** What those have counted that are no more. */
  readonly past: Promise<Readings>
  /** Another number of them listens. */
  readonly changed: Change
  /** Starts so many, and resolves once they listen; rejects where one of them cannot. */
  engage(count: number): Promise<void>
  /** Lets each carry what is open until `deadlineMs` from now, and resolves once none is left. */
  dismiss(deadlineMs: number): Promise<void>
}

/** A worker that has lasted so long was not lost from the start. */
const lastingMs = 60_000
/** Beyond the time that it has for its connections. */
const longestEndMs = 5_000

/** `hire` starts one. */
export function createWorkforce(
  hire: () => Pick<Employed, 'process' | 'news'>,
  log: Logger,
): Workforce {
  const present = new Set<Employed>()
  const changed = createChange()
  const stop = new AbortController()
  const isStopping = (): boolean => stop.signal.aborted
  let kept: Promise<unknown> = Promise.resolve()
  let past: Promise<Readings> = Promise.resolve([])
  let ended = 0

  const employ = (): Employed => {
    const worker: Employed = { ...hire(), isListening: false, told: Promise.resolve() }
    present.add(worker)
    worker.process.listening.then(() => {
      worker.isListening = true
      changed.announce()
    }, worker.process.kill)
    return worker
  }

  /** Resolves once it is no more, with how it ended. */
  const gone = async (worker: Employed): Promise<string> => {
    const how = await worker.process.ended
    present.delete(worker)
    const { counts } = worker.process
    past = past.then(async (former) => await addUp([former, counts]).readings())
    changed.announce()
    return how
  }

  /** Sees to it that there is always one in the place of this one. */
  const keep = async (first: Employed): Promise<void> => {
    const backoff = createBackoff({ firstMs: 250, longestMs: 30_000 })
    let worker = first
    for (;;) {
      const since = performance.now()
      const how = await gone(worker)
      if (isStopping()) return
      ended++
      if (performance.now() - since > lastingMs) backoff.reset()
      const pauseMs = Math.round(backoff.next())
      log.error({ worker: worker.process.pid, ended: how, again_ms: pauseMs }, 'worker ended')
      await delay(pauseMs, undefined, { signal: stop.signal }).catch(() => undefined)
      if (isStopping()) return
      worker = employ()
    }
  }

  return {
    present,
    get listening() {
      return [...present].filter(({ isListening }) => isListening).map(({ process }) => process)
    },
    get ended() {
      return ended
    },
    get past() {
      return past
    },
    changed,
    engage: async (count) => {
      const first = Array.from({ length: count }, employ)
      kept = Promise.all(first.map(keep))
      await Promise.all(first.map(async ({ process }) => await process.listening))
      log.info({ workers: first.map(({ process }) => process.pid) }, 'workers started')
    },
    dismiss: async (deadlineMs) => {
      stop.abort()
      await Promise.all([...present].map(async (worker) => await dismissOne(worker, deadlineMs)))
      await kept
    },
    [Symbol.asyncDispose]: async () => {
      stop.abort()
      for (const { process } of present) process.kill()
      await kept
    },
  }
}

/** One that has nothing under way any more ends by itself once it is let go. */
async function dismissOne({ process, isListening }: Employed, deadlineMs: number): Promise<void> {
  if (isListening) await process.tell({ kind: 'drain', deadlineMs }, deadlineMs + longestEndMs)
  process.letGo()
  const late = setTimeout(process.kill, longestEndMs)
  await process.ended
  clearTimeout(late)
}
