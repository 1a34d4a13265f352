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
  readonly credential: AdministratorCredential
  readonly administratorId: string
  readonly name: string
  readonly role: AdminRole
}
/** What an administrator proved to be one with, and for how long that holds. */
export type AdministratorCredential =
  | { readonly kind: 'certificate'; readonly peer: VerifiedPeer }
  | { readonly kind: 'token'; readonly notAfter: number }
  | {
      readonly kind: 'session'
      readonly notAfter: number
      hasEnded(): boolean
      /** What it was opened with: a session outlives neither. */
      readonly openedWith: AdministratorCredential
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
  const credential = { kind: 'certificate', peer } as const
  return { kind: 'administrator', credential, role, ...known, ...connection }
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
  if (reason !== undefined) throw notAccepted(caller, reason)
}

/** Undefined while what the caller proved to be holds. */
export function whyNotGood(caller: Caller, trust: Trust): string | undefined {
  switch (caller.kind) {
    case 'anonymous':
      return undefined
    case 'refused':
      return `${caller.code}: ${caller.detail}`
    case 'administrator':
      return whyCredentialEnded(caller.credential, trust)
    case 'workload': {
      const { workloadId, generation } = caller.facts
      const isBelow = generation < trust.floors().lowestGood(workloadId)
      return whyPeerEnded(caller.peer, trust) ?? (isBelow ? 'below floor' : undefined)
    }
    default:
      return caller satisfies never
  }
}

function whyPeerEnded(peer: VerifiedPeer, trust: Trust): string | undefined {
  if (trust.now() >= peer.notAfter) return 'expired'
  const issuer = trust.bundle().issuers.get(peer.issuerKeySha256)
  return issuer === undefined || issuer === 'tainted'
    ? `issuer ${issuer ?? 'not listed'}`
    : undefined
}

function whyCredentialEnded(credential: AdministratorCredential, trust: Trust): string | undefined {
  if (credential.kind === 'certificate') return whyPeerEnded(credential.peer, trust)
  if (trust.now() >= credential.notAfter) return `${credential.kind} expired`
  if (credential.kind === 'token') return undefined
  return credential.hasEnded() ? 'signed out' : whyCredentialEnded(credential.openedWith, trust)
}

/** When the caller's credential ends at the latest, ms. */
export function endOf(credential: AdministratorCredential): number {
  return credential.kind === 'certificate' ? credential.peer.notAfter : credential.notAfter
}

/** The refusal of whatever the caller showed; the log says why. */
export function notAccepted(caller: Caller, detail: string): ControllerError {
  if (caller.kind !== 'administrator' || caller.credential.kind === 'certificate') {
    return unauthenticated(detail)
  }
  const { kind } = caller.credential
  return new ControllerError('ERR_UNAUTHENTICATED', `this ${kind} is not accepted`, { detail })
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
