import { setTimeout as delay } from 'node:timers/promises'
import { messageOf } from '../base/errors.ts'
import { DemoError } from './demo-error.ts'

/**
 * Asks again until there is an answer; throws ERR_TIMEOUT with `what` was awaited and why the last
 * try had none. Errors of a try count as no answer.
 */
export async function until<T>(
  what: string,
  options: { readonly signal: AbortSignal; readonly withinMs: number; readonly everyMs?: number },
  ask: () => Promise<T | undefined>,
): Promise<T> {
  const deadline = performance.now() + options.withinMs
  let last = ''
  do {
    options.signal.throwIfAborted()
    try {
      const answer = await ask()
      if (answer !== undefined) return answer
    } catch (error: unknown) {
      last = `: ${messageOf(error)}`
    }
    await delay(options.everyMs ?? 50, undefined, { signal: options.signal })
  } while (performance.now() < deadline)
  throw new DemoError(
    'ERR_TIMEOUT',
    `waited ${String(options.withinMs / 1000)} s for ${what}${last}`,
  )
}

/** Waits for a promise, but not for longer; then throws ERR_TIMEOUT with `what` was awaited. */
export async function within<T>(what: string, mostMs: number, promise: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(
    () => reject(new DemoError('ERR_TIMEOUT', `waited ${String(mostMs / 1000)} s for ${what}`)),
    mostMs,
  )
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

/**
 * Waits until all have come to their end, then throws the first failure if there is one: nothing of
 * what was begun goes on behind the back of whoever cleans up.
 */
export async function together<T extends readonly unknown[]>(
  ...promises: { [Index in keyof T]: Promise<T[Index]> }
): Promise<T> {
  await Promise.allSettled(promises)
  return Promise.all(promises)
}
