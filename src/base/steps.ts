/** Work that can be left at every `yield` and gone on with later, and the result it comes to. */
export type Steps<Result> = Generator<undefined, Result, undefined>

/** All of the work at once. */
export function finish<Result>(steps: Steps<Result>): Result {
  for (;;) {
    const { done, value } = steps.next()
    if (done === true) return value
  }
}
