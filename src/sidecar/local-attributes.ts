import { hostname, release } from 'node:os'
import { sidecarProvenance, type Attribute } from '../identity/attributes.ts'
import type { ClaimedAttribute } from './config.ts'

/**
 * What a stand-alone sidecar can truthfully say of its workload: the kernel and host they share, and
 * what its configuration claims. Its own uid, executable and command line are not the workload's;
 * those need the capture that knows the workload's process.
 */
export function localAttributes(claimed: readonly ClaimedAttribute[]): readonly Attribute[] {
  return [
    { key: 'os.kernel', value: release() },
    { key: 'os.hostname', value: hostname() },
    ...claimed,
  ].flatMap(reported)
}

/** An attribute as strongly as a sidecar may report it; none where it may not. */
export function reported({ key, value }: ClaimedAttribute): readonly Attribute[] {
  const provenance = sidecarProvenance(key)
  return provenance === undefined ? [] : [{ key, value, provenance }]
}
