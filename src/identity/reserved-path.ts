import { quote } from '../base/errors.ts'
import { IdentityError } from './identity-error.ts'
import { pathOf, spiffeId, type SpiffeId, type TrustDomain } from './spiffe-id.ts'

const reservedRoot = '/blazon'
const adminPrefix = `${reservedRoot}/admin/`

export const adminRoles = ['viewer', 'editor', 'admin'] as const
/** What an administrator may do, weakest first. */
export type AdminRole = (typeof adminRoles)[number]

/** Whether a path belongs to Blazon's own parts, which no workload can be named as (PROTOCOL §2). */
export function isReservedPath(path: string): boolean {
  return path === reservedRoot || path.startsWith(`${reservedRoot}/`)
}

export function controllerId(trustDomain: TrustDomain): SpiffeId {
  return spiffeId(trustDomain, `${reservedRoot}/controller`)
}

/** The identity of a node, by the SHA-256 (hex) of its node key. */
export function nodeId(trustDomain: TrustDomain, nodeKeySha256: string): SpiffeId {
  if (!/^[0-9a-f]{64}$/.test(nodeKeySha256)) {
    throw new IdentityError(
      'ERR_SPIFFE_ID_PATH',
      `expected a SHA-256 of 64 hex characters, got ${quote(nodeKeySha256)}`,
    )
  }
  return spiffeId(trustDomain, `${reservedRoot}/node/${nodeKeySha256}`)
}

export function adminId(trustDomain: TrustDomain, role: AdminRole): SpiffeId {
  return spiffeId(trustDomain, `${adminPrefix}${role}`)
}

/** The role that an administrator's SPIFFE ID stands for; undefined for anybody else. */
export function adminRoleOf(id: SpiffeId): AdminRole | undefined {
  const path = pathOf(id)
  return adminRoles.find((role) => path === `${adminPrefix}${role}`)
}
