import { Counter, type Registry } from 'prom-client'

/** One child of a counter: a number that only grows. */
export interface Tally {
  count: number
}

/**
 * A counter for what happens with every connection: its children are plain numbers that are read at the
 * scrape, where prom-client sorts, joins and checks the labels of every single increment.
 */
export function createTallies(options: {
  readonly name: string
  readonly help: string
  readonly labelNames: string[]
  readonly registers: Registry[]
}): (...values: readonly string[]) => Tally {
  const { labelNames } = options
  const tallies = new Map<string, Tally & { readonly labels: Record<string, string> }>()
  new Counter({
    ...options,
    collect() {
      this.reset()
      for (const { labels, count } of tallies.values()) this.inc(labels, count)
    },
  })
  return (...values) =>
    tallies.getOrInsertComputed(values.join(' '), () => {
      const pairs = labelNames.map((name, at) => [name, values[at] ?? ''] as const)
      return { labels: Object.fromEntries(pairs), count: 0 }
    })
}
