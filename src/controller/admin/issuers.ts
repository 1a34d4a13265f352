import { setTimeout as delay } from 'node:timers/promises'
import { quote } from '../../base/errors.ts'
import type { Authority } from '../../ca/authority.ts'
import { readCsr } from '../../ca/csr.ts'
import { issuerStateToWire, toWireBundle } from '../../identity/index.ts'
import type { IssuerStatus } from '../../rpc/generated/blazon/v1/IssuerStatus.ts'
import type { RotateIssuerResponse } from '../../rpc/generated/blazon/v1/RotateIssuerResponse.ts'
import type { TaintIssuerRequest__Output } from '../../rpc/generated/blazon/v1/TaintIssuerRequest.ts'
import type { TaintIssuerResponse } from '../../rpc/generated/blazon/v1/TaintIssuerResponse.ts'
import {
  needAdministrator,
  type AdministratorCaller,
  type AdministratorCredential,
  type Caller,
} from '../caller.ts'
import { ControllerError } from '../controller-error.ts'
import { isKeyKnown } from '../store/certificates.ts'
import type { AdminDeps } from './deps.ts'

/** Begins a rotation: the next issuer is made known now, and signs as soon as it had time to spread. */
export async function rotateIssuer(deps: AdminDeps, caller: Caller): Promise<RotateIssuerResponse> {
  const { name: author } = needAdministrator(caller, 'admin')
  const isChanged = await deps.changes.run(() => deps.authority.rotate())
  deps.log.info({ author, changed: isChanged }, 'issuer rotation asked for')
  if (isChanged) await deps.announceAuthority()
  return {
    issuers: issuerStatuses(deps.authority),
    lagging: await lagging(deps),
    bundle: toWireBundle(deps.authority.bundle()),
  }
}

/** Refuses at once all that an issuer has ever signed. */
export async function taintIssuer(
  deps: AdminDeps,
  caller: Caller,
  request: TaintIssuerRequest__Output,
): Promise<TaintIssuerResponse> {
  const administrator = needAdministrator(caller, 'admin')
  const keySha256 = request.keySha256.toLowerCase()
  checkListed(deps.authority, keySha256)
  await checkNotLockedOut(deps, administrator, keySha256, request.csr)
  const chain = await deps.changes.run(async () => {
    await deps.authority.taint(keySha256)
    deps.log.warn({ key: keySha256, author: administrator.name }, 'issuer tainted')
    if (request.csr.length === 0) return []
    return (await deps.administrators.renew(administrator, request.csr)).chain
  })
  await deps.announceAuthority()
  return {
    issuers: issuerStatuses(deps.authority),
    lagging: await lagging(deps),
    chain: [...chain],
    bundle: toWireBundle(deps.authority.bundle()),
  }
}

/** The issuers as the wire has them. */
export function issuerStatuses(authority: Authority): IssuerStatus[] {
  return authority.issuers().map(({ keySha256, state, notAfter }) => ({
    keySha256,
    state: issuerStateToWire(state),
    notAfterMs: notAfter,
  }))
}

function checkListed(authority: Authority, keySha256: string): void {
  const { issuers, jwtKeys } = authority.bundle()
  if (issuers.has(keySha256) || jwtKeys.some(({ keyId }) => keyId === keySha256)) return
  throw new ControllerError('ERR_NOT_FOUND', `there is no issuer ${quote(keySha256)}`)
}

/** Who taints the issuer of their own certificate has to get another one in the same call. */
async function checkNotLockedOut(
  { store }: AdminDeps,
  { credential }: AdministratorCaller,
  keySha256: string,
  csr: Buffer,
): Promise<void> {
  const isOwn = issuerOf(credential) === keySha256
  if (csr.length === 0) {
    if (!isOwn) return
    throw new ControllerError(
      'ERR_PRECONDITION',
      'your own certificate is signed by this issuer: send a CSR along, as `blazon ca taint` does',
    )
  }
  if (credential.kind !== 'certificate') {
    throw new ControllerError(
      'ERR_ARGUMENT',
      'expected a CSR from the holder of a certificate only',
    )
  }
  const key = readCsr(csr)
  if (await isKeyKnown(store.tables, key.keySha256)) {
    throw new ControllerError('ERR_ARGUMENT', 'this key was certified before: make a new one')
  }
}

function issuerOf(credential: AdministratorCredential): string | undefined {
  switch (credential.kind) {
    case 'certificate':
      return credential.peer.issuerKeySha256
    case 'session':
      return issuerOf(credential.openedWith)
    case 'token':
      return undefined
    default:
      return credential satisfies never
  }
}

/** Sidecars that are there acknowledge within milliseconds; those that are not are lagging anyway. */
const patienceMs = 2_000
const pollMs = 25

/** Workloads with a living certificate whose sidecar has not acknowledged the newest version. */
async function lagging(deps: AdminDeps): Promise<string[]> {
  const version = deps.book.version
  const endMs = deps.clock.monotonic() + patienceMs
  while (deps.clock.monotonic() < endMs && someWatchingBehind(deps, version)) await delay(pollMs)
  const now = deps.clock.now()
  return [...deps.registry.workloads()]
    .filter(({ stored }) => stored.lastNotAfterMs > now && stored.standing === 'good')
    .map(({ stored }) => stored.workloadId)
    .filter((workloadId) => acknowledged(deps, workloadId) < version)
    .sort()
}

function someWatchingBehind(deps: AdminDeps, version: number): boolean {
  return [...deps.registry.workloads()].some(({ stored: { workloadId } }) => {
    const watcher = deps.distributor.watcher(workloadId)
    return watcher !== undefined && watcher.status.acknowledgedVersion < version
  })
}

function acknowledged({ distributor }: AdminDeps, workloadId: string): number {
  return distributor.watcher(workloadId)?.status.acknowledgedVersion ?? -1
}
