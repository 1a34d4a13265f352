/**
 * Identity: who somebody is and whether that still holds. SPIFFE IDs, attributes with provenance,
 * trust profiles and their one encoding, what our certificates carry, and the check of a peer's
 * chain that both ends of every tunnel and the controller share. Everything here is pure: no
 * sockets, no files, no clock; untrusted bytes go in, checked values or an `IdentityError` come out.
 */
export * from './attributes.ts'
export * from './bundle.ts'
export * from './certificate.ts'
export * from './csr.ts'
export * from './der.ts'
export * from './der-write.ts'
export * from './floors.ts'
export * from './identity-error.ts'
export * from './identity-extension.ts'
export * from './oid.ts'
export * from './path-template.ts'
export * from './profile.ts'
export { decodeProfile, encodeProfile } from './profile-codec.ts'
export * from './public-key.ts'
export * from './reserved-path.ts'
export * from './spiffe-id.ts'
export * from './verify-controller.ts'
export * from './verify-peer.ts'
export * from './wire.ts'
export * from './workload-token.ts'
