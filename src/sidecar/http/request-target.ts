import { httpRequestLimits } from '../../policy/index.ts'

/** Visible ASCII without what servers disagree on: `\` as a separator, `;` as parameters, `#`. */
const plainPath = /^\/[!"$-:<-[\]-~]*$/
const plainQuery = /^[!"$-~]*$/
/** `/ . % \ ; ? #`, controls and NUL: whoever decodes twice, or early, would see another path. */
const hiddenMeaning = /%(?:2[ef35]|5c|3[bf]|[01][0-9a-f]|7f)/i

/**
 * The decoded segments of a target in origin form, which is the only one that is taken: a server is
 * asked in absolute form only by what believes it to be a proxy. Undefined where the target could be
 * read in two ways, so that what policy decides on is what the application sees; nothing is normalised.
 */
export function readTarget(target: string): readonly string[] | undefined {
  const mark = target.indexOf('?')
  const path = mark === -1 ? target : target.slice(0, mark)
  if (!plainPath.test(path) || (mark !== -1 && !plainQuery.test(target.slice(mark + 1)))) {
    return undefined
  }
  if (path.includes('//') || hiddenMeaning.test(path)) return undefined
  const segments = path.slice(1).split('/')
  if (segments.length > httpRequestLimits.pathSegments) return undefined
  if (segments.includes('.') || segments.includes('..')) return undefined
  return decode(segments)
}

/** Undefined for an escape that is none, or bytes that are not UTF-8 (overlong forms among them). */
function decode(segments: readonly string[]): readonly string[] | undefined {
  try {
    return segments.map(decodeURIComponent)
  } catch {
    return undefined
  }
}
