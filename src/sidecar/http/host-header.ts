const longestHost = 260
const named = /^([a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?)\.?(?::[0-9]{1,5})?$/
const bracketed = /^(\[[0-9a-f:.]+\])(?::[0-9]{1,5})?$/

/** The name in a `Host` header: lower case, without port and final dot. Undefined where it is no name. */
export function readHost(value: string): string | undefined {
  if (value.length > longestHost) return undefined
  const host = value.toLowerCase()
  return named.exec(host)?.[1] ?? bracketed.exec(host)?.[1]
}
