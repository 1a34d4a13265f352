import { matchesGlob } from './glob.ts'
import { fieldLimits } from './limits.ts'
import { text, type Shape } from './shape.ts'

/** A path pattern by segments, as it is matched. */
export type PathGlob = readonly string[]

const anySegments = '**'
/** What a path that is let through can hold at all, after its escapes are decoded. */
const forbidden = /[\p{Cc}\p{Cs}?#\\;%]/u

/**
 * `/orders/*`: `*` is any text within one segment, `**` any number of whole segments, also none. It is
 * compared with the decoded path, so that no spelling of a path gets past it.
 */
export const pathGlobShape: Shape<string> = text({
  expects: `a path such as "/orders/*" or "/orders/**", at most ${String(fieldLimits.patternLength)} long`,
  parse: (written) => (whyRefused(written) === undefined ? written : undefined),
  hint: (written) => {
    const why = whyRefused(written)
    return why === undefined ? '' : `: ${why}`
  },
  write: (glob) => glob,
  schema: {
    maxLength: fieldLimits.patternLength,
    pattern: '^/[^?#\\\\;%]*$',
    examples: ['/orders/*', '/orders/**'],
  },
})

function whyRefused(written: string): string | undefined {
  if (!written.startsWith('/')) return 'it has to begin with "/"'
  if (written.length > fieldLimits.patternLength) return 'it is too long'
  if (written.includes('%')) return 'write the character itself; paths are compared decoded'
  if (forbidden.test(written)) return 'no path with such a character is let through'
  const segments = parsePathGlob(written)
  if (segments.length > fieldLimits.pathSegments) return 'it has too many segments'
  if (segments.includes('.') || segments.includes('..') || written.includes('//')) {
    return 'no path with dot segments or "//" is let through'
  }
  const isPart = segments.some((each) => each.includes(anySegments) && each !== anySegments)
  return isPart ? '"**" has to be a whole segment' : undefined
}

/** The segments of a pattern that the shape accepts. */
export function parsePathGlob(written: string): PathGlob {
  return written.slice(1).split('/')
}

/**
 * Whether the segments of a decoded path fit. As with `matchesGlob`, only the last `**` is ever tried
 * again, so the cost is at most the product of both lengths.
 */
export function matchesPath(glob: PathGlob, path: readonly string[]): boolean {
  let at = 0
  let index = 0
  let star = -1
  let resume = 0
  while (index < path.length) {
    const pattern = glob[at]
    if (pattern === anySegments) {
      star = at++
      resume = index
    } else if (pattern !== undefined && matchesGlob(pattern, path[index] ?? '')) {
      at++
      index++
    } else if (star !== -1) {
      at = star + 1
      index = ++resume
    } else return false
  }
  while (glob[at] === anySegments) at++
  return at === glob.length
}
