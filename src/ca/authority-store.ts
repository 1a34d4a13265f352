import type { IssuerState, JwtKeyUse } from '../identity/bundle.ts'

export type AuthorityKind = 'root' | 'issuer' | 'join-token' | JwtKeyUse | 'audit'

/** One key of the authority as it is kept at rest. */
export interface StoredAuthority {
  /** SHA-256 of the SubjectPublicKeyInfo, hex. */
  readonly id: string
  readonly kind: AuthorityKind
  readonly state: IssuerState
  /** DER, for roots and issuers; for keys of tokens the SubjectPublicKeyInfo. */
  readonly certificate: Buffer | undefined
  /** What the key protector made of the private key, or of the fact that it was destroyed. */
  readonly sealedKey: Buffer
  readonly notBefore: number
  readonly notAfter: number
  /** When the last certificate signed by an `old` key has expired, ms; 0 in other states. */
  readonly lastLeafNotAfter: number
  /** The bundle version in which this entry came or changed: the highest one is the bundle's. */
  readonly bundleVersion: number
}

/** Where the authority keeps its keys. A promise fulfils only when the change is durable. */
export interface AuthorityStore {
  load(): Promise<readonly StoredAuthority[]>
  /** Adds the entry, or replaces the one with the same id. */
  save(entry: StoredAuthority): Promise<void>
  /** Forgets an entry; an unknown id is no error. */
  remove(id: string): Promise<void>
}
