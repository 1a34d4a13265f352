import { text, type Shape } from './shape.ts'

const longestName = 253
const label = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?'
/** The last label is no number, so that no address is a name. */
const form = new RegExp(`^(?:\\*\\.)?(?:${label}\\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$`)

/**
 * A name as DNS has it, or every name below one (`*.example.com`, at any depth, not itself). A single
 * label under `*` would be a whole country, so there have to be two.
 */
export const dnsNameShape: Shape<string> = text({
  expects: 'a lower-case DNS name such as "api.example.com" or "*.example.com"',
  parse: (name) => (name.length <= longestName && form.test(name) ? name : undefined),
  hint: dnsNameHint,
  write: (name) => name,
  schema: { maxLength: longestName, pattern: form.source },
})

function dnsNameHint(written: string): string {
  const plain = written.toLowerCase().replace(/\.$/, '')
  if (plain !== written && form.test(plain)) return `; did you mean "${plain}"`
  if (/^\*\.[a-z0-9-]+$/.test(written)) return '; "*" needs at least two labels behind it'
  return /[^\0-\x7f]/.test(written) ? '; write other letters as "xn--..."' : ''
}

/** Whether a text is one name as documents write it, without a `*`. */
export function isDnsName(text: string): boolean {
  return text.length <= longestName && form.test(text) && !text.startsWith('*')
}

/** Whether a name (lower case, without a dot at its end) is one that a document's name stands for. */
export function matchesDnsName(name: string, pattern: string): boolean {
  return pattern.startsWith('*.') ? name.endsWith(pattern.slice(1)) : name === pattern
}
