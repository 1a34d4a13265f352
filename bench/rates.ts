import { rowOf, type BenchContext, type Row } from './row.ts'

const rounds = 7
const roundMs = 700

/** How often a second something can be done, over inputs that are all different. */
export function rateRow<T>(
  context: BenchContext,
  measure: { readonly test: string; readonly target?: number; readonly note?: string },
  inputs: readonly T[],
  act: (input: T) => unknown,
): Row {
  context.say(measure.test)
  const rates: number[] = []
  // The first two run before the code is compiled.
  for (let round = -2; round < rounds; round++) {
    const rate = oneRate(inputs, act, context.isQuick ? 20 : roundMs)
    if (round >= 0) rates.push(rate)
  }
  return rowOf({ ...measure, metric: 'rate', unit: '1/s', better: 'more' }, rates)
}

function oneRate<T>(inputs: readonly T[], act: (input: T) => unknown, forMs: number): number {
  const start = performance.now()
  let done = 0
  let elapsed = 0
  while (elapsed < forMs) {
    for (const input of inputs) act(input)
    done += inputs.length
    elapsed = performance.now() - start
  }
  return (done * 1_000) / elapsed
}
