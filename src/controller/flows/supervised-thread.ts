import { setTimeout as delay } from 'node:timers/promises'
import type { Worker } from 'node:worker_threads'
import { createBackoff } from '../../base/backoff.ts'
import { messageOf } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import { ControllerError } from '../controller-error.ts'
import {
  fromRefusal,
  type FlowAnswers,
  type FlowQuestion,
  type FlowThreadMessage,
  type NumberedQuestion,
} from './messages.ts'

/** A thread that is started again whenever it ends, with the questions that it had not answered. */
export interface SupervisedThread extends AsyncDisposable {
  /**
   * Throws what the thread refuses with, and `ControllerError` where it has failed several times
   * over. A question may be asked twice, so it must be one that can be.
   */
  ask<Question extends FlowQuestion>(question: Question): Promise<FlowAnswers[Question['kind']]>
}

/** A question that was there when the thread ended so often is not asked again. */
const mostFailures = 3
/** A thread that lived so long was sound when it started. */
const soundMs = 60_000
const firstRestMs = 100
const longestRestMs = 30_000
/** A question that is not answered by then means that the thread hangs. */
const answerMs = 60_000
/** What is left to write at the end takes less. */
const closeMs = 10_000

interface Asked extends NumberedQuestion {
  failures: number
  askedAtMs: number
  readonly answer: PromiseWithResolvers<unknown>
}

export function superviseThread(deps: {
  readonly start: () => Worker
  /** Told of what comes unasked. */
  readonly onNews: (
    news: Exclude<FlowThreadMessage, { readonly kind: 'answer' | 'refusal' }>,
  ) => void
  readonly onFailure: () => void
  readonly log: Logger
}): SupervisedThread {
  const { log } = deps
  const backoff = createBackoff({ firstMs: firstRestMs, longestMs: longestRestMs })
  const asked = new Map<number, Asked>()
  let lastNumber = 0
  let failures = 0
  let state:
    | { readonly kind: 'running'; readonly thread: Worker }
    | { readonly kind: 'resting'; readonly timer: NodeJS.Timeout }
    | { readonly kind: 'closed' }

  const start = (): void => {
    const thread = deps.start()
    const startedAtMs = performance.now()
    let cause: unknown
    state = { kind: 'running', thread }
    thread.on('message', hear)
    thread.on('error', (error) => {
      cause = error
    })
    thread.once('exit', (code) => {
      if (performance.now() - startedAtMs > soundMs) {
        failures = 0
        backoff.reset()
      }
      ended(cause ?? new Error(`it ended with code ${String(code)}`))
    })
    for (const one of asked.values()) send(thread, one)
  }
  const send = (thread: Worker, one: Asked): void => {
    one.askedAtMs = performance.now()
    thread.postMessage({ number: one.number, question: one.question } satisfies NumberedQuestion)
  }

  const hear = (message: FlowThreadMessage): void => {
    if (message.kind !== 'answer' && message.kind !== 'refusal') {
      deps.onNews(message)
      return
    }
    const one = asked.get(message.number)
    asked.delete(message.number)
    if (message.kind === 'answer') one?.answer.resolve(message.value)
    else one?.answer.reject(fromRefusal(message.refusal))
  }

  const ended = (cause: unknown): void => {
    if (state.kind === 'closed') return
    failures += 1
    const restMs = backoff.next()
    log.error(
      { error: cause, reason: messageOf(cause), unanswered: asked.size, rest_ms: restMs },
      'the thread that keeps flows has ended, and is started again',
    )
    deps.onFailure()
    for (const one of asked.values()) {
      one.failures += 1
      if (one.failures < mostFailures) continue
      asked.delete(one.number)
      one.answer.reject(unavailable(cause))
    }
    state = { kind: 'resting', timer: setTimeout(start, restMs) }
  }

  const watchdog = setInterval(() => {
    const [oldest] = asked.values()
    if (state.kind !== 'running' || oldest === undefined) return
    if (performance.now() - oldest.askedAtMs > answerMs) void state.thread.terminate()
  }, answerMs / 6).unref()

  const ask = async (question: FlowQuestion): Promise<unknown> => {
    if (state.kind === 'closed') {
      throw stopping()
    }
    if (state.kind === 'resting' && failures >= mostFailures) throw unavailable(undefined)
    const answer = Promise.withResolvers<unknown>()
    const one = { number: ++lastNumber, question, failures: 0, askedAtMs: 0, answer }
    asked.set(one.number, one)
    if (state.kind === 'running') send(state.thread, one)
    return answer.promise
  }

  const close = async (): Promise<void> => {
    if (state.kind === 'running') {
      const written = ask({ kind: 'close' }).catch((error: unknown) => {
        log.error({ error, reason: messageOf(error) }, 'flows not written at the end')
      })
      await Promise.race([written, delay(closeMs, undefined, { ref: false })])
    }
    const last = state
    state = { kind: 'closed' }
    if (last.kind === 'resting') clearTimeout(last.timer)
    // What cannot be written was not acknowledged either.
    for (const { answer } of asked.values()) answer.reject(stopping())
    asked.clear()
    if (last.kind === 'running') await last.thread.terminate()
  }

  start()
  return {
    ask: (question) => ask(question) as Promise<never>,
    [Symbol.asyncDispose]: async () => {
      clearInterval(watchdog)
      await close()
    },
  }
}

function unavailable(cause: unknown): ControllerError {
  const message = 'the thread that keeps flows has failed; it is started again'
  return new ControllerError('ERR_UNAVAILABLE', message, { cause })
}

function stopping(): ControllerError {
  return new ControllerError('ERR_UNAVAILABLE', 'the controller is stopping')
}
