const shownCharacters = 80

/** Quotes untrusted text for a message: JSON-escaped, and cut at 80 characters. */
export function quote(untrusted: string): string {
  if (untrusted.length <= shownCharacters) return JSON.stringify(untrusted)
  return `${JSON.stringify(untrusted.slice(0, shownCharacters))}… (${String(untrusted.length)} characters)`
}

/** The message of anything that was thrown, with the messages of its causes. */
export function messageOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown)
  return thrown.cause === undefined
    ? thrown.message
    : `${thrown.message}: ${messageOf(thrown.cause)}`
}

/** The `code` of an error of ours or of Node, if it has one. */
export function codeOf(thrown: unknown): string | undefined {
  if (typeof thrown !== 'object' || thrown === null || !('code' in thrown)) return undefined
  return typeof thrown.code === 'string' ? thrown.code : undefined
}
