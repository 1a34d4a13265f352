/** `2026-11-22T06:42:55.000Z` for programs; null where the controller has no time to give. */
export function isoTime(ms: number): string | null {
  return ms > 0 ? new Date(ms).toISOString() : null
}

/** `2026-11-22 06:42:55Z` for people: one zone for everybody who reads the same log. */
export function shownTime(ms: number): string {
  return ms > 0 ? `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')}Z` : '-'
}

const units = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
] as const

/** A length of time in its largest whole unit, such as `43 min`. */
export function shownDuration(ms: number): string {
  for (const [unit, unitMs] of units) {
    if (ms >= unitMs) return `${String(Math.floor(ms / unitMs))} ${unit}`
  }
  return '0 s'
}

/** `in 43 min`, `5 s ago`: a point in time as seen from `now`. */
export function relativeTime(ms: number, now: number): string {
  if (ms <= 0) return '-'
  return ms >= now ? `in ${shownDuration(ms - now)}` : `${shownDuration(now - ms)} ago`
}

const sizes = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const

/** A count of bytes with three figures at most, in powers of 1,000. */
export function shownBytes(bytes: number): string {
  let value = bytes
  let step = 0
  while (value >= 999.5 && step < sizes.length - 1) {
    value /= 1_000
    step++
  }
  const figures =
    step === 0 || value >= 99.5 ? value.toFixed(0) : value.toPrecision(value >= 9.95 ? 3 : 2)
  return `${figures} ${sizes[step] ?? ''}`
}
