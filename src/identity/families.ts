import type { Provenance } from './provenance.ts'

/** A row of the table in PROTOCOL §1: which keys, what they are vouched by, and who may report them. */
export interface Family {
  /** A whole key, or a prefix that ends in `.*`. */
  readonly key: string
  /** The provenance that its proper source gives; for `label.*` and posture the strongest possible. */
  readonly provenance: Provenance
  /** Whether a sidecar may report it; anybody else's report of it is dropped by the controller. */
  readonly bySidecar: boolean
}

const keys = (
  prefix: string,
  names: string,
  provenance: Provenance,
  reporter: 'controller' | 'sidecar',
): Family[] =>
  names.split(' ').map((name) => ({
    key: `${prefix}.${name}`,
    provenance,
    bySidecar: reporter === 'sidecar',
  }))

/** The closed set of attribute families. A key outside it has no source, so nobody may set it. */
export const families: readonly Family[] = [
  ...keys('aws', 'account region zone image-id instance-id', 'signed', 'controller'),
  ...keys('aws', 'instance-type architecture private-ip pending-time', 'signed', 'controller'),
  ...keys('aws', 'version kernel-id ramdisk-id', 'signed', 'controller'),
  ...keys('aws', 'billing-products marketplace-product-codes', 'signed', 'controller'),
  ...keys('aws', 'tag.* vpc-id subnet-id security-group', 'described', 'controller'),
  ...keys('aws', 'launch-index reservation-id iam-role asg role', 'described', 'controller'),
  ...keys('imds', 'launch-index local-ipv4 mac hostname', 'observed', 'sidecar'),
  ...keys('imds', 'instance-action reservation-id tag.*', 'observed', 'sidecar'),
  ...keys('ecs', 'cluster task-arn family revision', 'observed', 'sidecar'),
  ...keys('ecs', 'container image-id launch-type', 'observed', 'sidecar'),
  ...keys('os', 'uid gid user kernel exe exe-sha256', 'observed', 'sidecar'),
  ...keys('os', 'hostname cmdline', 'claimed', 'sidecar'),
  ...keys('image', 'name digest type role', 'observed', 'sidecar'),
  // A label set at run is observed, one from the image's author is claimed: the reporter says which.
  ...keys('docker', 'name id label.*', 'observed', 'sidecar'),
  ...keys('k8s', 'namespace service-account pod node', 'described', 'controller'),
  ...keys('k8s', 'label.*', 'observed', 'sidecar'),
  ...keys('capture', 'strength', 'observed', 'sidecar'),
  ...keys('env', '*', 'claimed', 'sidecar'),
  ...keys('vuln', 'state max-severity critical high cve scanned-at', 'signed', 'controller'),
  ...keys('label', '*', 'assigned', 'controller'),
  ...keys('app', '*', 'claimed', 'sidecar'),
  // Of peers outside the mesh, by a document; no workload has it.
  ...keys('external', 'name', 'assigned', 'controller'),
]

const byKey = new Map(families.map((family) => [family.key, family]))

/** The family a key belongs to; undefined for a key that no source of ours can set. */
export function familyOf(key: string): Family | undefined {
  const exact = byKey.get(key)
  if (exact !== undefined) return key.endsWith('.*') ? undefined : exact
  for (let dot = key.indexOf('.'); dot !== -1; dot = key.indexOf('.', dot + 1)) {
    const open = byKey.get(`${key.slice(0, dot)}.*`)
    if (open !== undefined) return open
  }
  return undefined
}

/**
 * The strongest provenance a sidecar's report of this key can get, or undefined where a sidecar may
 * not set it. A report that states a weaker one keeps it: `weakest(stated, sidecarProvenance(key))`.
 */
export function sidecarProvenance(key: string): Provenance | undefined {
  const family = familyOf(key)
  return family?.bySidecar === true ? family.provenance : undefined
}

const addressKeys = new Set(['aws.private-ip', 'imds.local-ipv4', 'imds.mac', 'imds.hostname'])

/** Whether the key holds an address: shown to people, never part of an identity (PROTOCOL §2). */
export function isAddressKey(key: string): boolean {
  return addressKeys.has(key)
}
