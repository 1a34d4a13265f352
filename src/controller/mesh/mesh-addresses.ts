import { isAtLeast, type TrustProfile } from '../../identity/index.ts'
import { addressBytes } from '../../base/network.ts'

/**
 * Addresses that belong to workloads of the mesh, by what AWS has signed or described: what sidecars
 * report of themselves could take any address out of, or into, the mesh. They are not told apart by
 * VPC, because an address of one is reached from another where the two are peered.
 */
export interface MeshAddresses {
  /** Takes note of a workload whose last certificate ends then. */
  note(profile: TrustProfile, lastNotAfterMs: number): void
  /** Of workloads that may still have a certificate, ascending; 4 or 16 bytes each. */
  list(now: number): readonly Buffer[]
}

const addressKey = 'aws.private-ip'

/** `onNew` is called with an address that was not among the noted ones. */
export function createMeshAddresses(onNew: (address: Buffer) => void): MeshAddresses {
  const known = new Map<string, { readonly address: Buffer; readonly lastNotAfterMs: number }>()
  let sorted: { readonly addresses: readonly Buffer[]; readonly until: number } | undefined

  const sort = (now: number): { readonly addresses: readonly Buffer[]; readonly until: number } => {
    let until = Infinity
    for (const [key, { lastNotAfterMs }] of known) {
      if (lastNotAfterMs <= now) known.delete(key)
      else until = Math.min(until, lastNotAfterMs)
    }
    const addresses = Array.from(known.values(), ({ address }) => address)
    return { addresses: addresses.sort((a, b) => a.length - b.length || a.compare(b)), until }
  }

  return {
    note: (profile, lastNotAfterMs) => {
      for (const address of addressesOf(profile)) {
        const key = address.toString('hex')
        const former = known.get(key)
        if (former !== undefined && former.lastNotAfterMs >= lastNotAfterMs) continue
        known.set(key, { address, lastNotAfterMs })
        if (former !== undefined) continue
        sorted = undefined
        onNew(address)
      }
    },
    list: (now) => {
      if (sorted === undefined || now >= sorted.until) sorted = sort(now)
      return sorted.addresses
    },
  }
}

function addressesOf({ entries }: TrustProfile): Buffer[] {
  const entry = entries.get(addressKey)
  if (entry === undefined || !isAtLeast(entry.provenance, 'described')) return []
  return entry.values.flatMap((value) => {
    const bytes = addressBytes(value)
    return bytes === undefined ? [] : [Buffer.from(bytes)]
  })
}
