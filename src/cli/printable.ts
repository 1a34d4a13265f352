/**
 * Names, attribute values and reasons come from workloads and peers. On a terminal they must not
 * move the cursor, recolour the screen or reverse the reading order, so control characters and
 * bidirectional overrides are shown as escapes.
 */
const unsafe = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c]/gu

/** One line of untrusted text, safe to write to a terminal. */
export function printable(untrusted: string): string {
  return untrusted.replaceAll(unsafe, (character) => {
    const code = character.codePointAt(0) ?? 0
    return code < 0x100 ? `\\x${hex(code, 2)}` : `\\u${hex(code, 4)}`
  })
}

function hex(code: number, width: number): string {
  return code.toString(16).padStart(width, '0')
}

/** As `printable`, but keeps line feeds: for documents of several lines. */
export function printableLines(untrusted: string): string {
  return untrusted.split('\n').map(printable).join('\n')
}
