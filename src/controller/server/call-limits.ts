/** At most so many at a time, a share of them of one source; the rest are refused, not queued. */
export interface Slots {
  /** How to give back the slot that was taken; undefined where there is none. `address` is an IP address. */
  take(address: string | undefined): (() => void) | undefined
}

export function createSlots(most: number, shareOfOne: number = 1 / 4): Slots {
  const mostOfOne = Math.max(1, Math.floor(most * shareOfOne))
  const bySource = new Map<string, number>()
  let taken = 0
  return {
    take: (address = '') => {
      const source = sourceKey(address)
      const own = bySource.get(source) ?? 0
      if (taken >= most || own >= mostOfOne) return undefined
      taken += 1
      bySource.set(source, own + 1)
      return () => {
        taken -= 1
        const left = (bySource.get(source) ?? 0) - 1
        if (left > 0) bySource.set(source, left)
        else bySource.delete(source)
      }
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
