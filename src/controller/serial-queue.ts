/**
 * Runs changes one at a time, in the order they came: each reads memory, writes the store and then
 * changes memory, and no other change comes in between.
 */
export interface SerialQueue {
  run<T>(change: () => Promise<T>): Promise<T>
  /** Fulfils when everything that was given so far has run. */
  idle(): Promise<void>
}

export function createSerialQueue(): SerialQueue {
  let last: Promise<unknown> = Promise.resolve()
  return {
    run: (change) => {
      const result = last.then(change)
      // The next change runs whether this one succeeds or not; its own caller sees the error.
      last = result.catch(() => undefined)
      return result
    },
    idle: async () => {
      await last
    },
  }
}
