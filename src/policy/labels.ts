import { isAtLeast, maxKeyBytes, type Provenance } from '../identity/attributes.ts'
import { isKey, valueShape } from './attribute-text.ts'
import { fieldLimits } from './limits.ts'
import { mapOf, oneOrSetOf, text, type Shape } from './shape.ts'

/** Labels that administrators give: key (`label.*`) to values. */
export type Labels = ReadonlyMap<string, readonly string[]>

const labelKey: Shape<string> = text({
  expects: 'a key such as "label.app"',
  parse: (key) => (key.startsWith('label.') && isKey(key) ? key : undefined),
  hint: (key) =>
    isKey(`label.${key}`) && !key.includes('.') ? `; did you mean "label.${key}"` : '',
  write: (key) => key,
  schema: { pattern: '^label\\.', maxLength: maxKeyBytes },
})

export const labelsShape: Shape<Labels> = mapOf(
  labelKey,
  oneOrSetOf(valueShape('a label value'), fieldLimits.labelValues),
  fieldLimits.labels,
)

/** What a label carries that was given because of a match: `assigned`, or the weaker one selected on. */
export function labelProvenance(matched: Provenance): Provenance {
  return isAtLeast(matched, 'assigned') ? 'assigned' : matched
}
