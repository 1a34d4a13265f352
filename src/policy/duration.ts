import { duration } from '../base/env.ts'
import { text, type Shape } from './shape.ts'

const units = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
] as const

/** A duration in whole seconds within limits, such as `30s`, `15m` or `1h`, as milliseconds. */
export function durationShape(leastMs: number, mostMs: number): Shape<number> {
  const expects = `a duration from ${formatDuration(leastMs)} to ${formatDuration(mostMs)}, such as 30s or 15m`
  return text({
    expects,
    parse: (written) => {
      const ms = parseDuration(written)
      const fits = ms !== undefined && ms >= leastMs && ms <= mostMs && ms % 1_000 === 0
      return fits ? ms : undefined
    },
    write: formatDuration,
    schema: { description: expects, pattern: '^[0-9]+(?:ms|s|m|h|d)$', examples: ['15m'] },
  })
}

function parseDuration(written: string): number | undefined {
  try {
    return duration(written)
  } catch {
    // The shape says what was expected and seen.
    return undefined
  }
}

/** In the largest unit that gives a whole number. */
export function formatDuration(ms: number): string {
  const [unit, unitMs] = units.find(([, length]) => ms % length === 0) ?? ['s', 1_000]
  return `${String(ms / unitMs)}${unit}`
}
