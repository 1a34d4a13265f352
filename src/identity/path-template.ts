import { quote } from '../base/errors.ts'
import { checkKey, checkValue, isAddressKey } from './attributes.ts'
import { IdentityError } from './identity-error.ts'
import { isAtLeast } from './provenance.ts'
import { isReservedPath } from './reserved-path.ts'
import { checkPath } from './spiffe-id.ts'
import type { TrustProfile } from './trust-profile.ts'

/** A parsed template of SPIFFE paths; `text` is what it was parsed from. */
export interface PathTemplate {
  readonly text: string
  readonly segments: readonly Segment[]
}

interface Segment {
  readonly before: string
  readonly slot: Slot | undefined
  readonly after: string
}

interface Slot {
  /** An attribute key, or `name` for the name the enrolment rule granted. */
  readonly key: string
  readonly fallback: string | undefined
}

export const defaultPathTemplate = '/ns/<label.ns or "default">/workload/<name>'

const maxTemplateLength = 1024
const segmentForm = /^([^<>]*)(?:<([^<>"\s]+)(?: or "([A-Za-z0-9._-]+)")?>([^<>]*))?$/
const literalForm = /^[A-Za-z0-9._-]*$/

/**
 * Parses `/literal/<key>/<key or "text">`, where each segment has at most one slot (with two,
 * different values could give the same path). Throws `ERR_PATH_TEMPLATE`.
 */
export function parsePathTemplate(text: string): PathTemplate {
  const [head, ...rest] = text.length > maxTemplateLength ? [] : splitSegments(text)
  if (head !== '' || rest.length === 0) {
    throw fault(
      text,
      `a path of at most ${String(maxTemplateLength)} characters that starts with "/"`,
    )
  }
  const segments = rest.map((segment) => parseSegment(text, segment))
  if (isReservedPath(`/${segments[0]?.before ?? ''}`) && segments[0]?.slot === undefined) {
    throw fault(text, 'a path outside /blazon, which is reserved')
  }
  return { text, segments }
}

/** Slashes inside `<...>` belong to the attribute key. */
function splitSegments(text: string): string[] {
  return text.split(/\/(?![^<]*>)/)
}

function parseSegment(text: string, segment: string): Segment {
  const [matched, before = '', key, fallback, after = ''] = segmentForm.exec(segment) ?? []
  if (matched === undefined || !literalForm.test(before) || !literalForm.test(after)) {
    throw fault(text, 'segments of A-Z a-z 0-9 . - _ with at most one <key> or <key or "text">')
  }
  if (key === undefined) {
    if (before === '' || before === '.' || before === '..')
      throw fault(text, 'no empty or dot segment')
    return { before, slot: undefined, after: '' }
  }
  return { before, slot: { key: checkSlotKey(text, key), fallback }, after }
}

function checkSlotKey(text: string, key: string): string {
  if (key === 'name') return key
  if (isAddressKey(key))
    throw fault(text, `no address: ${quote(key)} changes over a workload's life`)
  try {
    return checkKey(key)
  } catch (cause: unknown) {
    throw fault(text, `<name> or an attribute key, not ${quote(key)}`, cause)
  }
}

/**
 * The SPIFFE path of a workload. Values must be signed, described or assigned, and one per key; they
 * are escaped, so that no value can add a segment or reach a reserved path. Throws
 * `ERR_PATH_VALUE`, `ERR_ATTRIBUTE_VALUE`, `ERR_RESERVED_PATH`, or `ERR_SPIFFE_ID_PATH`.
 */
export function renderPath(
  template: PathTemplate,
  subject: { readonly name: string; readonly profile: TrustProfile },
): string {
  const path = template.segments.map((segment) => `/${renderSegment(segment, subject)}`).join('')
  checkPath(path)
  if (isReservedPath(path)) {
    throw new IdentityError(
      'ERR_RESERVED_PATH',
      `expected a path outside /blazon, got ${quote(path)} from template ${quote(template.text)}`,
    )
  }
  return path
}

function renderSegment(
  { before, slot, after }: Segment,
  subject: { readonly name: string; readonly profile: TrustProfile },
): string {
  if (slot === undefined) return before
  const value = slot.key === 'name' ? subject.name : valueOf(slot, subject.profile)
  if (value === '') throw valueFault(`expected a value for <${slot.key}>, got an empty one`)
  return `${before}${escapeSegment(checkValue(value))}${after}`
}

function valueOf({ key, fallback }: Slot, profile: TrustProfile): string {
  const entry = profile.entries.get(key)
  if (entry === undefined) {
    if (fallback === undefined) throw valueFault(`expected attribute ${key}, which is not set`)
    return fallback
  }
  if (!isAtLeast(entry.provenance, 'assigned')) {
    throw valueFault(
      `expected ${key} to be signed, described or assigned, but it is ${entry.provenance}`,
    )
  }
  const [value, ...others] = entry.values
  if (value === undefined || others.length > 0) {
    throw valueFault(`expected one value for ${key}, got ${String(entry.values.length)}`)
  }
  return value
}

/**
 * Makes any text one path segment, reversibly: bytes other than A-Z a-z 0-9 - and inner dots become
 * `_xx`, and so does `_` itself. (SPIFFE allows no percent-encoding.)
 */
export function escapeSegment(value: string): string {
  const dotsOnly = /^\.+$/.test(value)
  const kept = dotsOnly ? /[^A-Za-z0-9-]/gu : /[^A-Za-z0-9.-]/gu
  return value.replace(kept, (character) =>
    Array.from(Buffer.from(character), (octet) => `_${octet.toString(16).padStart(2, '0')}`).join(
      '',
    ),
  )
}

function fault(template: string, expected: string, cause?: unknown): IdentityError {
  const message = `path template ${quote(template)}: expected ${expected}`
  return new IdentityError('ERR_PATH_TEMPLATE', message, cause === undefined ? {} : { cause })
}

function valueFault(message: string): IdentityError {
  return new IdentityError('ERR_PATH_VALUE', message)
}
