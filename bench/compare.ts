import { quantile, rowOf, type Measure, type Row } from './row.ts'

/** Samples of one figure by contender, in the order of the rounds; `direct` is the path without a proxy. */
export type Samples = ReadonlyMap<string, readonly number[]>

/** A figure that is compared with the best of the others. */
export interface ComparedMeasure extends Measure {
  /** Instead of a fixed target: in multiples of the best peer's median, or of that of `against`. */
  readonly factor?: number
  /** The one to be compared with, where that is not the best of the others. */
  readonly against?: string
}

/** The row of `ours` beside the same figure of all others; medians throughout. */
export function comparedRow(measure: ComparedMeasure, ours: string, samples: Samples): Row {
  const { factor, against, ...about } = measure
  const medians = new Map<string, number>()
  for (const [name, values] of samples) {
    if (values.length > 0) medians.set(name, digits(median(values)))
  }
  const direct = medians.get('direct')
  const others = [...medians].filter(([name]) => name !== ours && name !== 'direct')
  const peers = Object.fromEntries(others)
  const best = others
    .filter(([name]) => against === undefined || name === against)
    .toSorted(([, a], [, b]) => (about.better === 'more' ? b - a : a - b))[0]
  const target =
    best === undefined || factor === undefined ? {} : { target: digits(factor * best[1]) }
  const row = rowOf({ ...about, ...target }, samples.get(ours) ?? [])
  const other = best?.[1] ?? direct
  return {
    ...row,
    ...(direct === undefined ? {} : { direct }),
    peers,
    ...(best === undefined ? {} : { bestPeer: best[0] }),
    ...(other === undefined ? {} : { ratio: digits(row.ours / other) }),
  }
}

function median(values: readonly number[]): number {
  return quantile(
    values.toSorted((a, b) => a - b),
    0.5,
  )
}

function digits(value: number): number {
  return Number(value.toPrecision(4))
}
