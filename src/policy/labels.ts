import {
  checkKey,
  checkValue,
  isAtLeast,
  maxKeyBytes,
  maxValueBytes,
  type Provenance,
} from '../identity/attributes.ts'
import { fieldLimits } from './limits.ts'
import { mapOf, oneOrSetOf, text, type Shape } from './shape.ts'

/** Labels that administrators give: key (`label.*`) to values. */
export type Labels = ReadonlyMap<string, readonly string[]>

const labelKey: Shape<string> = text({
  expects: 'a key such as "label.app"',
  parse: (key) => (key.startsWith('label.') && isAccepted(checkKey, key) ? key : undefined),
  hint: (key) =>
    isAccepted(checkKey, `label.${key}`) && !key.includes('.')
      ? `; did you mean "label.${key}"`
      : '',
  write: (key) => key,
  schema: { pattern: '^label\\.', maxLength: maxKeyBytes },
})

const labelValue: Shape<string> = text({
  expects: 'a label value of at most 512 bytes without control characters',
  parse: (value) => (isAccepted(checkValue, value) ? value : undefined),
  write: (value) => value,
  schema: { maxLength: maxValueBytes },
})

function isAccepted(check: (text: string) => string, text: string): boolean {
  try {
    check(text)
    return true
  } catch {
    // The shape says what was expected and seen.
    return false
  }
}

export const labelsShape: Shape<Labels> = mapOf(
  labelKey,
  oneOrSetOf(labelValue, fieldLimits.labelValues),
  fieldLimits.labels,
)

/** What a label carries that was given because of a match: `assigned`, or the weaker one selected on. */
export function labelProvenance(matched: Provenance): Provenance {
  return isAtLeast(matched, 'assigned') ? 'assigned' : matched
}
