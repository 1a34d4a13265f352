/** Proofs that were used, for as long as they would still be good. */
export interface ReplayMemory {
  /**
   * Notes the use of a proof that holds. `full`: there is no room to remember it, so it may not be
   * taken; one workload can fill no more than its share.
   */
  use(holder: string, id: string, until: number, now: number): 'first' | 'again' | 'full'
  readonly size: number
}

/** More than 8,000 requests a second, for the 15 s that a proof can be good. */
const mostRemembered = 131_072
const shareOfOne = 4

export function createReplayMemory(most: number = mostRemembered): ReplayMemory {
  /** Ends by holder and id, in the order of use, which is nearly that of their ends. */
  const used = new Map<string, { readonly holder: string; readonly until: number }>()
  const counts = new Map<string, number>()

  const forgetPast = (now: number): void => {
    for (const [key, { holder, until }] of used) {
      if (until > now) return
      used.delete(key)
      const left = (counts.get(holder) ?? 1) - 1
      if (left === 0) counts.delete(holder)
      else counts.set(holder, left)
    }
  }

  return {
    get size() {
      return used.size
    },
    use: (holder, id, until, now) => {
      forgetPast(now)
      const key = `${holder} ${id}`
      if (used.has(key)) return 'again'
      const count = counts.get(holder) ?? 0
      if (used.size >= most || count >= most / shareOfOne) return 'full'
      used.set(key, { holder, until })
      counts.set(holder, count + 1)
      return 'first'
    },
  }
}
