import { metadataAddresses } from '../base/metadata-addresses.ts'
import { formatNetwork, networkOf, overlap, type Network } from '../base/network.ts'

/** The service by which alone a workload may reach the metadata of its instance or task. */
export const metadataServiceName = 'aws-imds'

const metadata = metadataAddresses.map(networkOf)

/** The same as canonical networks. */
export const metadataNetworks: readonly string[] = metadata.map(formatNetwork)

/** Networks whose addresses are this machine, this link, many machines at once, or another spelling. */
const neverText: readonly (readonly [cidr: string, what: string])[] = [
  ['0.0.0.0/8', 'the addresses of "this network"'],
  ['127.0.0.0/8', 'loopback'],
  ['169.254.0.0/16', 'link-local addresses'],
  ['224.0.0.0/3', 'multicast and reserved addresses'],
  ['::/128', 'the unspecified address'],
  ['::1/128', 'loopback'],
  ['::ffff:0:0/96', 'IPv4 addresses in IPv6 form: write them as IPv4'],
  ['fe80::/10', 'link-local addresses'],
  ['ff00::/8', 'multicast addresses'],
]

const privateText = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', 'fc00::/7']

const never = neverText.map(([cidr, what]) => ({ network: networkOf(cidr), what }))
const privates = privateText.map(networkOf)

/** What of the addresses that no connection may leave for is in a network; undefined for none. */
export function overlapsNever(network: Network): string | undefined {
  return never.find((one) => overlap(one.network, network))?.what
}

/** Networks that are never just outside the mesh, whoever names them: `isNeverOutside` for ranges. */
export const neverOutside: readonly Network[] = [
  ...never.map(({ network }) => network),
  ...metadata,
]

/** Whether an address (4 or 16 bytes) is loopback, link-local, metadata and the like: never just outside the mesh. */
export function isNeverOutside(address: Uint8Array): boolean {
  const bits = address.length * 8
  return never.some(({ network }) => overlap(network, { address, bits })) || isMetadata(address)
}

/** Whether an address is that of the metadata of an instance or task. */
export function isMetadata(address: Uint8Array): boolean {
  return isWithin(metadata, address)
}

/** Whether an address is one that nobody has in public: those of a private network, shared, or unique-local. */
export function isPrivate(address: Uint8Array): boolean {
  return isWithin(privates, address)
}

function isWithin(networks: readonly Network[], address: Uint8Array): boolean {
  return networks.some((network) => overlap(network, { address, bits: address.length * 8 }))
}
