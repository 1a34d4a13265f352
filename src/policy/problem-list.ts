import { documentLimits } from './limits.ts'
import { PolicyError, type Problem } from './policy-error.ts'

/** Where an offset of the text is, counted from 1. */
export type Locate = (offset: number) => { readonly line: number; readonly column: number }

/** Locates nothing: for documents that are not text with lines. */
export const nowhere: Locate = () => ({ line: 0, column: 0 })

/** Collects what is wrong while a file is read, in the order in which it was found. */
export class ProblemList {
  readonly #source: string
  readonly #locate: Locate
  readonly #problems: Problem[] = []
  #count = 0

  constructor(source: string, locate: Locate) {
    this.#source = source
    this.#locate = locate
  }

  /** How many were added, listed or not. */
  get count(): number {
    return this.#count
  }

  /** Whether there are more than are listed, so that looking for others is of no use. */
  get isFull(): boolean {
    return this.#count > documentLimits.problems
  }

  add(offset: number, message: string): void {
    this.#count += 1
    if (this.#problems.length >= documentLimits.problems) return
    this.#problems.push({ source: this.#source, ...this.#locate(offset), message })
  }

  /** Throws `ERR_DOCUMENT` with all problems, by position, when there are any. */
  throwIfAny(): void {
    if (this.#count === 0) return
    const sorted = this.#problems.toSorted((a, b) => a.line - b.line || a.column - b.column)
    const last = sorted.at(-1)
    if (this.isFull && last !== undefined) {
      sorted.push({ ...last, message: 'there are more problems, which are not listed' })
    }
    throw new PolicyError('ERR_DOCUMENT', sorted)
  }
}
