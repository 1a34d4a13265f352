import {
  adminRoleOf,
  adminRoles,
  type AdminRole,
  type Floors,
  type TrustBundle,
  type VerifiedPeer,
  type WorkloadFacts,
} from '../identity/index.ts'
import { ControllerError } from './controller-error.ts'

/** Who is at the other end of a connection, as TLS and our own checks have it. */
export type Caller = AnonymousCaller | WorkloadCaller | AdministratorCaller | RefusedCaller

interface AnyCaller {
  /** The address the connection came from. */
  readonly source: string
  /** Which key of ours this connection was shown, hex: part of the signed transcripts. */
  readonly controllerKeySha256: string
}
export interface AnonymousCaller extends AnyCaller {
  readonly kind: 'anonymous'
}
export interface WorkloadCaller extends AnyCaller {
  readonly kind: 'workload'
  readonly peer: VerifiedPeer
  readonly facts: WorkloadFacts
}
export interface AdministratorCaller extends AnyCaller {
  readonly kind: 'administrator'
  readonly peer: VerifiedPeer
  readonly administratorId: string
  readonly name: string
  readonly role: AdminRole
}
/** It showed a certificate that does not hold, or stands for nobody who may call. */
export interface RefusedCaller extends AnyCaller {
  readonly kind: 'refused'
  readonly code: string
  readonly detail: string
}

/** What a certificate's standing is measured by, at the time of asking. */
export interface Trust {
  bundle(): TrustBundle
  floors(): Floors
  now(): number
}

/** An administrator's certificate that is on the list. */
export interface KnownAdministrator {
  readonly administratorId: string
  readonly name: string
}

/** Names the caller that a verified certificate stands for. */
export function callerOf(
  peer: VerifiedPeer,
  connection: AnyCaller,
  administrator: (serial: string) => KnownAdministrator | undefined,
): Caller {
  if (peer.workload !== undefined) {
    return { kind: 'workload', peer, facts: peer.workload, ...connection }
  }
  const role = adminRoleOf(peer.spiffeId)
  if (role === undefined) {
    return refused(connection, 'not-a-caller', `${peer.spiffeId} may not call the controller`)
  }
  const known = administrator(peer.serial)
  if (known === undefined) {
    return refused(connection, 'unknown-administrator', `serial ${peer.serial} is not on the list`)
  }
  return { kind: 'administrator', peer, role, ...known, ...connection }
}

function refused(connection: AnyCaller, code: string, detail: string): RefusedCaller {
  return { kind: 'refused', code, detail, ...connection }
}

/**
 * Throws unless what was verified when the connection opened still holds: a connection outlives
 * certificates, revocations and issuers.
 */
export function checkStillGood(caller: Caller, trust: Trust): void {
  const reason = whyNotGood(caller, trust)
  if (reason !== undefined) throw unauthenticated(reason)
}

/** Undefined while the caller's certificate holds. */
export function whyNotGood(caller: Caller, trust: Trust): string | undefined {
  if (caller.kind === 'anonymous') return undefined
  if (caller.kind === 'refused') return `${caller.code}: ${caller.detail}`
  const { peer } = caller
  if (trust.now() >= peer.notAfter) return 'expired'
  const issuer = trust.bundle().issuers.get(peer.issuerKeySha256)
  if (issuer === undefined || issuer === 'tainted') return `issuer ${issuer ?? 'not listed'}`
  if (caller.kind === 'workload') {
    const { workloadId, generation } = caller.facts
    if (generation < trust.floors().lowestGood(workloadId)) return 'below floor'
  }
  return undefined
}

/** The refusal of a certificate: the wire says one thing only, the log says why. */
export function unauthenticated(detail: string): ControllerError {
  return new ControllerError(
    'ERR_UNAUTHENTICATED',
    'the certificate of this connection is not accepted',
    { detail },
  )
}

/** Returns the caller as a workload, or throws. */
export function needWorkload(caller: Caller): WorkloadCaller {
  if (caller.kind === 'workload') return caller
  throw wrongCaller(caller, "a workload's SVID")
}

/** Returns the caller as an administrator of at least the role, or throws. */
export function needAdministrator(caller: Caller, role: AdminRole): AdministratorCaller {
  if (caller.kind !== 'administrator') throw wrongCaller(caller, "an administrator's certificate")
  if (adminRoles.indexOf(caller.role) < adminRoles.indexOf(role)) {
    throw new ControllerError(
      'ERR_PERMISSION',
      `this call needs the role ${role}, and you are ${caller.role}`,
    )
  }
  return caller
}

function wrongCaller(caller: Caller, expected: string): ControllerError {
  if (caller.kind === 'refused') return unauthenticated(`${caller.code}: ${caller.detail}`)
  return caller.kind === 'anonymous'
    ? new ControllerError(
        'ERR_UNAUTHENTICATED',
        `this call needs ${expected}, and the connection showed no certificate`,
      )
    : new ControllerError('ERR_PERMISSION', `this call needs ${expected}`)
}
