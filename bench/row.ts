/** One measured number: `ours` is the median of the rounds unless the note says otherwise. */
export interface Row {
  readonly test: string
  readonly metric: string
  readonly unit: string
  readonly ours: number
  /** The same path without Blazon, where there is one. */
  readonly direct?: number
  /** Other programs that do the same, by name. */
  readonly peers?: Readonly<Record<string, number>>
  readonly bestPeer?: string
  /** `ours` to the best peer, or to `direct` where there is no peer. */
  readonly ratio?: number
  readonly target?: number
  /** Whether the target is reached; true where there is none. */
  readonly met: boolean
  readonly min: number
  readonly max: number
  /** What has to be known to read the number. */
  readonly note?: string
}

/** What a suite is run with. */
export interface BenchContext {
  /** Sizes for a look at whether it works: the numbers mean nothing and are not kept. */
  readonly isQuick: boolean
  /** Whether a test of this name is wanted; what is measured of a part is not kept either. */
  readonly isWanted: (test: string) => boolean
  /** Says what is going on. */
  readonly say: (text: string) => void
}

/** A file of `bench/suites`. */
export interface Suite {
  run(context: BenchContext): Promise<readonly Row[]>
}

/** What a row is about, and which way is better. */
export interface Measure {
  readonly test: string
  readonly metric: string
  readonly unit: string
  readonly better: 'more' | 'less'
  readonly target?: number
  readonly note?: string
}

/** The row of some rounds: their median, between the least and the greatest. Throws without a round. */
export function rowOf(measure: Measure, samples: readonly number[]): Row {
  const sorted = samples.toSorted((a, b) => a - b)
  const [min, max] = [sorted[0], sorted.at(-1)]
  if (min === undefined || max === undefined) throw new Error('expected at least one round')
  const { better, target, ...named } = measure
  const ours = quantile(sorted, 0.5)
  const aim = target === undefined ? {} : { target }
  return { ...named, ...aim, ours, met: isMet(ours, better, target), min, max }
}

function isMet(ours: number, better: Measure['better'], target: number | undefined): boolean {
  if (target === undefined) return true
  return better === 'more' ? ours >= target : ours <= target
}

/** The value below which this part of an ascending list lies; the median of an even list is the mean of two. */
export function quantile(sorted: readonly number[], part: number): number {
  const at = (sorted.length - 1) * part
  const [below, above] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]]
  if (below === undefined || above === undefined) return Number.NaN
  return part === 0.5 ? (below + above) / 2 : above
}
