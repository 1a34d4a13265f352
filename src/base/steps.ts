/** Work that can be left at every `yield` and gone on with later, and the result it comes to. */
export type Steps<Result> = Generator<undefined, Result, undefined>

/** All of the work at once. */
export function finish<Result>(steps: Steps<Result>): Result {
  for (;;) {
    const { done, value } = steps.next()
    if (done === true) return value
  }
}

const sortedAtOnce = 256

/** The items in order, those that are equal in the order they came; to be left every few hundred. */
export function* sortInSteps<Item extends object>(
  items: readonly Item[],
  compare: (a: Item, b: Item) => number,
): Steps<Item[]> {
  if (items.length <= sortedAtOnce) return items.toSorted(compare)
  const middle = items.length >> 1
  const left = yield* sortInSteps(items.slice(0, middle), compare)
  const right = yield* sortInSteps(items.slice(middle), compare)
  const merged: Item[] = []
  let [atLeft, atRight] = [0, 0]
  for (;;) {
    const [a, b] = [left[atLeft], right[atRight]]
    if (a === undefined) return merged.concat(right.slice(atRight))
    if (b === undefined) return merged.concat(left.slice(atLeft))
    const isLeft = compare(a, b) <= 0
    merged.push(isLeft ? a : b)
    if (isLeft) atLeft += 1
    else atRight += 1
    if (merged.length % sortedAtOnce === 0) yield
  }
}
