import { setTimeout as delay } from 'node:timers/promises'

/** Looks every few milliseconds until `look` gives something; fails with `what` after `deadlineMs`. */
export async function eventually<T>(
  what: string,
  look: () => T | Promise<T>,
  deadlineMs = 20_000,
): Promise<NonNullable<Exclude<T, false>>> {
  const end = performance.now() + deadlineMs
  for (;;) {
    const seen = await look()
    if (seen !== undefined && seen !== null && seen !== false) {
      return seen as NonNullable<Exclude<T, false>>
    }
    if (performance.now() > end) throw new Error(`waited ${String(deadlineMs)} ms for ${what}`)
    await delay(5)
  }
}
