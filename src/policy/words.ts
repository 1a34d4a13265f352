import { quote } from '../base/errors.ts'
import { isAtLeast } from '../identity/attributes.ts'
import type { ProfileEntry } from '../identity/profile.ts'
import { externalNameKey } from './external-words.ts'
import { formatPort } from './port.ts'
import { defaultNeed, type Term } from './selector.ts'

const shownValues = 4

/** A value as people read it; quoted where it could be mistaken for something else. */
function showValue(value: string): string {
  return /^[\w./:@+-]{1,80}$/.test(value) ? value : quote(value)
}

function showValues(values: readonly string[]): string {
  const shown = values.slice(0, shownValues).map(showValue)
  const more = values.length - shown.length
  return [...shown, ...(more > 0 ? [`${String(more)} more`] : [])].join(' or ')
}

/** What a term asks for: `label.app=web or api`, `label.app other than web`, `no label.app`. */
export function describeTerm({ key, need, anyOf, except, present, absent }: Term): string {
  const isUsual = need === defaultNeed || key === externalNameKey
  const name = isUsual ? key : `${key}@${need}`
  const wishes: string[] = []
  if (anyOf.length > 0) wishes.push(`${name}=${showValues(anyOf)}`)
  if (except !== undefined) wishes.push(`${name} other than ${showValue(except)}`)
  if (present) wishes.push(`${name} with any value`)
  if (absent) wishes.push(`no ${name}`)
  return wishes.join(' or ')
}

/** What a profile has under the key of a term: `label.app=orders`, `no label.app`. */
export function describeEntry({ key, need }: Term, entry: ProfileEntry | undefined): string {
  if (entry === undefined) return `no ${key}`
  const has = `${key}=${entry.values.slice(0, shownValues).map(showValue).join(', ')}`
  if (isAtLeast(entry.provenance, need)) return has
  return `${has}, but only ${entry.provenance} where ${need} is asked for`
}

export function describePorts(ports: readonly number[]): string {
  const shown = ports.slice(0, shownValues).map(formatPort)
  const more = ports.length - shown.length
  return [...shown, ...(more > 0 ? [`${String(more)} more`] : [])].join(' or ')
}
