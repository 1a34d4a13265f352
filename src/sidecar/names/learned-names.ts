import type { Clock } from '../../base/clock.ts'
import type { AnsweredAddresses } from './answered-addresses.ts'

/** Which names addresses have, by the answers of resolvers that are still good. */
export interface LearnedNames {
  readonly size: number
  /** The names that an address (in canonical form) has now. */
  readonly namesOf: (address: string) => readonly string[]
  readonly learn: (answer: AnsweredAddresses) => void
  /** What is still good for longer than it takes to connect, so that another can learn it. */
  readonly known: () => readonly AnsweredAddresses[]
}

/** How long a name is good at most, in seconds, whatever its answer says. */
export const longestTtl = 300
/** A program may use an answer until its very end, and still has to connect then. */
export const connectSeconds = 10

const mostAddresses = 4_096
const mostNamesPerAddress = 32

/**
 * Keeps what was answered last; of more than there is room for it forgets what was answered longest
 * ago. What is forgotten is not outside the mesh until somebody asks for it again.
 */
export function createLearnedNames(clock: Pick<Clock, 'monotonic'>): LearnedNames {
  /** By address, the one learned last at the end; times by name, in the same order. */
  const byAddress = new Map<string, Map<string, number>>()

  const learnOne = (address: string, name: string, until: number): void => {
    const names = byAddress.get(address) ?? new Map<string, number>()
    byAddress.delete(address)
    byAddress.set(address, names)
    // Two answers may be on their way: the shorter life of one takes nothing from the other.
    const known = names.get(name) ?? 0
    names.delete(name)
    names.set(name, Math.max(known, until))
    forgetFirst(names, mostNamesPerAddress)
    forgetFirst(byAddress, mostAddresses)
  }

  return {
    get size() {
      return byAddress.size
    },
    namesOf: (address) => {
      const names = byAddress.get(address)
      if (names === undefined) return []
      const now = clock.monotonic()
      for (const [name, until] of names) if (until <= now) names.delete(name)
      if (names.size === 0) byAddress.delete(address)
      return [...names.keys()]
    },
    learn: ({ name, addresses, ttl }) => {
      const until = clock.monotonic() + Math.min(ttl + connectSeconds, longestTtl) * 1_000
      for (const address of addresses) learnOne(address, name, until)
    },
    known: () => {
      const now = clock.monotonic()
      return [...byAddress].flatMap(([address, names]) =>
        [...names]
          .map(([name, until]) => ({ name, ttl: (until - now) / 1_000 - connectSeconds }))
          .filter(({ ttl }) => ttl > 0)
          .map(({ name, ttl }) => ({ name, addresses: [address], ttl })),
      )
    },
  }
}

function forgetFirst(map: Map<string, unknown>, most: number): void {
  if (map.size <= most) return
  for (const key of map.keys()) {
    map.delete(key)
    return
  }
}
