/** The part of a SPIFFE ID that tells workloads of one trust domain apart. */
export function spiffePath(id: string): string {
  const slash = id.indexOf('/', 'spiffe://'.length)
  return id.startsWith('spiffe://') && slash !== -1 ? id.slice(slash) : id
}
