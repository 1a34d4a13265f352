import { createHash } from 'node:crypto'

/** Texts longer than this are kept as their length and hash: documents are in their own history. */
const longestText = 512
const mostItems = 64
const secretName = /secret|password|token$|^authorization$|private/i

/** A request as the audit log keeps it: what is at its default left out, secrets and bulk as well. */
export function requestText(request: unknown): string {
  return JSON.stringify(shorten(request) ?? {})
}

function shorten(value: unknown): unknown {
  if (Buffer.isBuffer(value)) return value.length === 0 ? undefined : digestOf(value, 'bytes')
  if (typeof value === 'string') return shortenText(value)
  if (Array.isArray(value)) return shortenList(value)
  if (typeof value === 'object' && value !== null) return shortenFields(value)
  return value === null || value === 0 || value === false ? undefined : value
}

function shortenText(text: string): unknown {
  if (text === '') return undefined
  return text.length <= longestText ? text : digestOf(Buffer.from(text), 'characters', text.length)
}

function shortenList(list: readonly unknown[]): unknown {
  if (list.length === 0) return undefined
  const shown = list.slice(0, mostItems).map((item) => shorten(item) ?? null)
  return list.length <= mostItems ? shown : [...shown, { more: list.length - mostItems }]
}

function shortenFields(fields: object): unknown {
  const kept = Object.entries(fields)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]): [string, unknown] => [name, shorten(value)])
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => [name, secretName.test(name) ? '[left out]' : value])
  return kept.length === 0 ? undefined : Object.fromEntries(kept)
}

function digestOf(bytes: Buffer, unit: string, length: number = bytes.length): object {
  return { [unit]: length, sha256: createHash('sha256').update(bytes).digest('hex') }
}
