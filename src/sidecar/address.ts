/** Whether an address (in canonical spelling) never leaves its machine. */
export function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.')
}

/** Whether an address (in canonical spelling) stands for every address of the machine. */
export function isUnspecified(address: string): boolean {
  return address === '::' || address === '0.0.0.0'
}
