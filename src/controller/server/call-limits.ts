/** At most so many at a time; the rest are refused, not queued. */
export interface Slots {
  /** False when all are taken; otherwise to be followed by one `leave()`. */
  enter(): boolean
  leave(): void
  readonly taken: number
}

export function createSlots(most: number): Slots {
  let taken = 0
  return {
    enter: () => {
      if (taken >= most) return false
      taken += 1
      return true
    },
    leave: () => {
      taken -= 1
    },
    get taken() {
      return taken
    },
  }
}

/** A token bucket for each source of calls. */
export interface SourceRate {
  /** Whether the source may go on; counts this as one. `now` on any clock, in milliseconds. */
  allow(source: string, now: number): boolean
  readonly size: number
}

interface Bucket {
  tokens: number
  filledMs: number
}

/**
 * `burst` at once and `perSecond` after that, for each source. At most `sources` are remembered; when
 * there are more, the one that was quiet for longest is forgotten, which lets it begin anew.
 */
export function createSourceRate(options: {
  readonly burst: number
  readonly perSecond: number
  readonly sources: number
}): SourceRate {
  const buckets = new Map<string, Bucket>()
  return {
    allow: (source, now) => {
      const bucket = buckets.get(source) ?? { tokens: options.burst, filledMs: now }
      const gained = (Math.max(0, now - bucket.filledMs) / 1_000) * options.perSecond
      bucket.tokens = Math.min(options.burst, bucket.tokens + gained)
      bucket.filledMs = now
      buckets.delete(source)
      buckets.set(source, bucket)
      if (buckets.size > options.sources) {
        const [quietest = source] = buckets.keys()
        buckets.delete(quietest)
      }
      if (bucket.tokens < 1) return false
      bucket.tokens -= 1
      return true
    },
    get size() {
      return buckets.size
    },
  }
}

/**
 * What counts as one source: an IPv4 address, or the /64 of an IPv6 address, since whoever has one
 * address of a /64 has them all.
 */
export function sourceKey(address: string): string {
  const mapped = /^::ffff:([0-9.]+)$/i.exec(address)
  if (mapped?.[1] !== undefined) return mapped[1]
  if (!address.includes(':')) return address
  const [head = '', tail] = address.split('%')[0]?.split('::') ?? []
  const groups = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - groups.length - after.length)
  const all = [...groups, ...Array<string>(zeros).fill('0'), ...after]
  return `${all.slice(0, 4).join(':')}::/64`
}
