import type { BenchContext, Row } from '../row.ts'
import type { Arena } from './arena.ts'

/** Tests of the proxy suite that share what they need. */
export interface Part {
  /** What its tests are named, by which they can be asked for. */
  readonly tests: readonly string[]
  /** Measures those of its tests that are wanted. */
  run(arena: Arena, context: BenchContext): Promise<Row[]>
}

/** Rounds that count, of which a quick look needs only one. */
export function roundsOf({ isQuick }: BenchContext): number {
  return isQuick ? 1 : 9
}
