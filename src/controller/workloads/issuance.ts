import { hash, randomUUIDv7 } from 'node:crypto'
import type { Clock } from '../../base/clock.ts'
import type { Authority } from '../../ca/authority.ts'
import type { PublicKey } from '../../ca/csr.ts'
import {
  publicProfile,
  readCertificate,
  type Attribute,
  type TrustProfile,
} from '../../identity/index.ts'
import { ControllerError } from '../controller-error.ts'
import {
  isKeyKnown,
  putCertificate,
  rememberKey,
  type StoredCertificate,
} from '../store/certificates.ts'
import { touchNode } from '../store/nodes.ts'
import type { Store, Tables } from '../store/store.ts'
import { putWorkload, type StoredWorkload } from '../store/workloads.ts'
import type { DeferredWrites } from './deferred-writes.ts'
import type { Evaluation } from './evaluation.ts'
import type { FloorKeeper } from './floor-keeper.ts'
import { newestCertificate, type RegisteredWorkload, type Registry } from './registry.ts'

/** What a workload is issued for, and what is remembered of it. */
export interface IssueRequest {
  readonly evaluation: Evaluation
  readonly name: string
  readonly nodeKeySha256: string
  readonly attested: readonly Attribute[]
  readonly documentForm: StoredWorkload['documentForm']
  readonly reported: readonly Attribute[]
  readonly schemaVersion: number
  /** The request as it came, and the key in it. */
  readonly csr: Buffer
  readonly key: PublicKey
}

export interface IssuedSvid {
  readonly certificate: StoredCertificate
  readonly profile: TrustProfile
  /** Whether the workload is something else than before: its older certificates are to be revoked. */
  readonly isChanged: boolean
}

/** An SVID that is made, and was not issued yet. */
export interface PreparedSvid {
  write(tables: Tables): Promise<void>
  /** To be called once what was written is durable. */
  finish(): IssuedSvid
}

/** Makes SVIDs, and keeps count of what was made. Its calls must not run side by side. */
export interface Issuance {
  /** Makes an SVID whose issue is to be part of a transaction. */
  prepare(request: IssueRequest): Promise<PreparedSvid>
  /** Issues to a known workload. Where it is what it was, a disk that refuses does not stop it. */
  renew(request: IssueRequest): Promise<IssuedSvid>
  /** The certificate that was issued for this very request and is good still. */
  earlier(entry: RegisteredWorkload, csr: Buffer): StoredCertificate | undefined
}

export function createIssuance(deps: {
  readonly store: Store
  readonly deferred: DeferredWrites
  readonly registry: Registry
  readonly floors: FloorKeeper
  readonly authority: Authority
  readonly clock: Clock
}): Issuance {
  const { store, deferred, registry, floors, authority, clock } = deps

  const prepare = (request: IssueRequest): Prepared => {
    const { evaluation, key } = request
    const known = registry.onNode(request.nodeKeySha256, request.name)
    checkStanding(known)
    const now = clock.now()
    const workloadId = known?.stored.workloadId ?? newWorkloadId()
    const generation = nextGeneration(known, evaluation, floors.floors().lowestGood(workloadId))
    const issued = authority.issueWorkload({
      key,
      spiffeId: evaluation.spiffeId,
      ttlMs: evaluation.ttlMs,
      facts: {
        workloadId,
        generation,
        publicProfile: publicProfile(evaluation.profile),
        profileDigest: evaluation.profile.digest,
      },
    })
    const certificate: StoredCertificate = {
      serial: issued.serial,
      workloadId,
      issue: issueAfter(known),
      generation,
      state: 'pending',
      csrSha256: hash('sha256', request.csr),
      chain: issued.chain,
      notBeforeMs: issued.notBefore,
      notAfterMs: issued.notAfter,
    }
    return {
      workload: describe(request, known, certificate, now),
      certificate,
      replaced: pendingOf(known).map((one) => ({ ...one, state: 'superseded' as const })),
      keySha256: key.keySha256,
      isChanged: known !== undefined && known.stored.generation !== generation,
      now,
    }
  }

  const finish = (prepared: Prepared, profile: TrustProfile): IssuedSvid => {
    registry.putWorkload(prepared.workload, profile)
    registry.touchNode(prepared.workload.nodeKeySha256, prepared.now)
    for (const one of [...prepared.replaced, prepared.certificate]) registry.putCertificate(one)
    return { certificate: prepared.certificate, profile, isChanged: prepared.isChanged }
  }

  return {
    prepare: async (request) => {
      await refuseKnownKey(store.tables, request.key.keySha256)
      const prepared = prepare(request)
      return {
        write: (tables) => save(tables, prepared),
        finish: () => finish(prepared, request.evaluation.profile),
      }
    },
    renew: async (request) => {
      await refuseKnownKey(store.tables, request.key.keySha256)
      const prepared = prepare(request)
      const write = async (tables: Tables): Promise<void> => {
        await touchNode(tables, request.nodeKeySha256, prepared.now)
        await save(tables, prepared)
      }
      if (prepared.isChanged) await deferred.change(write)
      else await deferred.writeOrDefer(write)
      return finish(prepared, request.evaluation.profile)
    },
    earlier: (entry, csr) => {
      const csrSha256 = hash('sha256', csr)
      return [...entry.certificates.values()].find(
        (one) =>
          one.csrSha256 === csrSha256 &&
          one.state !== 'superseded' &&
          // Its profile is kept for the newest generation only.
          one.generation === entry.stored.generation &&
          one.notAfterMs > clock.now() &&
          authority.bundle().issuers.get(readCertificate(one.chain[1]).keySha256) !== 'tainted' &&
          one.generation >= floors.floors().lowestGood(one.workloadId),
      )
    },
  }
}

/** 32 hex digits. Those made one after the other stand side by side in every index of the store. */
function newWorkloadId(): string {
  return randomUUIDv7().replaceAll('-', '')
}

interface Prepared {
  readonly workload: StoredWorkload
  readonly certificate: StoredCertificate
  /** Issued before and never used: there is one answer to a renewal, the last. */
  readonly replaced: readonly StoredCertificate[]
  readonly keySha256: string
  readonly isChanged: boolean
  readonly now: number
}

async function save(tables: Tables, prepared: Prepared): Promise<void> {
  await rememberKey(tables, prepared.keySha256, prepared.now)
  await putWorkload(tables, prepared.workload)
  for (const one of [...prepared.replaced, prepared.certificate]) await putCertificate(tables, one)
}

function checkStanding(known: RegisteredWorkload | undefined): void {
  if (known === undefined || known.stored.standing === 'good') return
  throw new ControllerError(
    'ERR_PERMISSION',
    known.stored.standing === 'frozen'
      ? 'this workload is frozen: an old certificate of it was used again; an administrator has to reinstate it'
      : 'this workload is revoked; an administrator has to reinstate it',
    { detail: known.stored.standingReason },
  )
}

async function refuseKnownKey(tables: Tables, keySha256: string): Promise<void> {
  if (await isKeyKnown(tables, keySha256)) {
    throw new ControllerError('ERR_ARGUMENT', 'this key was certified before: make a new one')
  }
}

/** Grows with whatever the workload is, and past every generation that was revoked (PROTOCOL §2). */
function nextGeneration(
  known: RegisteredWorkload | undefined,
  evaluation: Evaluation,
  lowestGood: number,
): number {
  if (known === undefined) return lowestGood
  const isSame =
    known.profile.digest === evaluation.profile.digest &&
    known.stored.spiffeId === evaluation.spiffeId
  return Math.max(known.stored.generation + (isSame ? 0 : 1), lowestGood)
}

function issueAfter(known: RegisteredWorkload | undefined): number {
  return ((known === undefined ? undefined : newestCertificate(known))?.issue ?? 0) + 1
}

function pendingOf(known: RegisteredWorkload | undefined): StoredCertificate[] {
  return [...(known?.certificates.values() ?? [])].filter(({ state }) => state === 'pending')
}

function describe(
  request: IssueRequest,
  known: RegisteredWorkload | undefined,
  certificate: StoredCertificate,
  now: number,
): StoredWorkload {
  return {
    workloadId: certificate.workloadId,
    name: request.name,
    namespace: '/',
    spiffeId: request.evaluation.spiffeId,
    nodeKeySha256: request.nodeKeySha256,
    generation: certificate.generation,
    profile: request.evaluation.profile.encoded,
    attested: request.attested,
    reported: request.reported,
    schemaVersion: request.schemaVersion,
    documentForm: request.documentForm,
    standing: 'good',
    standingReason: '',
    createdAtMs: known?.stored.createdAtMs ?? now,
    lastNotAfterMs: Math.max(known?.stored.lastNotAfterMs ?? 0, certificate.notAfterMs),
  }
}
