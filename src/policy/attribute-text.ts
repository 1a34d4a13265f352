import { checkKey, checkValue, maxValueBytes } from '../identity/attributes.ts'
import { text, type Shape } from './shape.ts'

/** Whether identity would take a key for one of an attribute. */
export function isKey(key: string): boolean {
  return isAccepted(checkKey, key)
}

/** The value of an attribute, as documents write it; `what` is what it is called there. */
export function valueShape(what: string): Shape<string> {
  return text({
    expects: `${what} of at most ${String(maxValueBytes)} bytes without control characters`,
    parse: (value) => (isAccepted(checkValue, value) ? value : undefined),
    write: (value) => value,
    schema: { maxLength: maxValueBytes },
  })
}

function isAccepted(check: (text: string) => string, text: string): boolean {
  try {
    check(text)
    return true
  } catch {
    // The shape says what was expected and seen.
    return false
  }
}
