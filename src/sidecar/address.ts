/** Whether an address (in canonical spelling) never leaves its machine. */
export function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.')
}

/** Whether an address (in canonical spelling) stands for every address of the machine. */
export function isUnspecified(address: string): boolean {
  return address === '::' || address === '0.0.0.0'
}

/**
 * Whether a connection to an address (in canonical spelling) can leave the machine and reach one
 * certain other: not loopback, link-local, multicast, broadcast or "any".
 */
export function isBeyondMachine(address: string): boolean {
  if (isLoopback(address) || isUnspecified(address)) return false
  if (address.includes(':')) return !/^(?:fe[89ab].|ff..):/.test(address)
  const [first = 0, second] = address.split('.').map(Number)
  return first !== 0 && first < 224 && !(first === 169 && second === 254)
}
