/**
 * `blazon intercept`: the nftables rules that give every connection of a network namespace to its
 * sidecar. Pure but for running `nft`, and for the gate that
 * lets a sidecar fill its sets; nothing of it runs in the sidecar.
 */
export { addressesOf, addressList, cidrList, type AddressList } from './address-list.ts'
export { holdDatagramGate } from './datagram-gate.ts'
export { InterceptError, type InterceptErrorCode } from './intercept-error.ts'
export { install, remove } from './intercept.ts'
export { defaultOptions, portList, type InterceptOptions, type ResolvedOptions } from './options.ts'
