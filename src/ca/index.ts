/**
 * The certificate authority of a trust domain: its keys at rest and in their lives, what it signs,
 * and the bundle that others check it by. It decides nothing about who gets which name: the caller
 * does, and this folder makes sure that what it signs keeps the profile of PROTOCOL 2.
 */
export {
  defaultLifetimes,
  openAuthority,
  type Authority,
  type AuthorityOptions,
  type Issued,
  type IssuerStatus,
  type JwtRequest,
  type JwtSvid,
  type LeafRequest,
  type Lifetimes,
  type SigningKey,
} from './authority.ts'
export type { AuthorityKind, AuthorityStore, StoredAuthority } from './authority-store.ts'
export { maxCsrBytes, readCsr, readPublicKey, type PublicKey } from './csr.ts'
export { CaError, type CaErrorCode } from './errors.ts'
export { readOrCreateKeyFile } from './key-file.ts'
export { createKeyProtector, protectionKeyBytes, type KeyProtector } from './key-protector.ts'
export { createPassphraseProtector } from './passphrase.ts'
