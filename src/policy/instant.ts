import { text, type Shape } from './shape.ts'

const rfc3339 = /^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}:\d{2})(?:\.\d{1,3})?(?:Z|[+-]\d{2}:\d{2})$/

/** A moment with its offset from UTC, as milliseconds since the epoch. */
export const instantShape: Shape<number> = text({
  expects: 'a time such as 2027-01-31T00:00:00Z',
  parse: parseInstant,
  write: (ms) => new Date(ms).toISOString().replace('.000Z', 'Z'),
  schema: { format: 'date-time', pattern: rfc3339.source, examples: ['2027-01-31T00:00:00Z'] },
})

/** Milliseconds since the epoch of a time with its offset from UTC, or undefined. */
export function parseInstant(written: string): number | undefined {
  const match = rfc3339.exec(written)
  const ms = Date.parse(written)
  if (match === null || !Number.isFinite(ms)) return undefined
  // Date.parse takes 31 February for 3 March; what was written must come back.
  const local = `${match[1] ?? ''}T${match[2] ?? ''}Z`
  const localMs = Date.parse(local)
  if (!Number.isFinite(localMs)) return undefined
  return new Date(localMs).toISOString().replace('.000Z', 'Z') === local ? ms : undefined
}
