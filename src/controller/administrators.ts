import { randomUUID } from 'node:crypto'
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { Authority, Issued } from '../ca/authority.ts'
import { readCsr } from '../ca/csr.ts'
import { adminId, readCertificate, type AdminRole } from '../identity/index.ts'
import type { AdministratorCaller, KnownAdministrator } from './caller.ts'
import { ControllerError } from './controller-error.ts'
import type { ControllerMetrics } from './metrics.ts'
import type { SerialQueue } from './serial-queue.ts'
import {
  loadAdministrators,
  putAdministrator,
  type AdministratorCertificate,
} from './store/administrators.ts'
import { isKeyKnown, rememberKey } from './store/certificates.ts'
import type { Store } from './store/store.ts'

/** Who may administer: certificates are let in by their serial, and no other. */
export interface Administrators {
  find(serial: string): KnownAdministrator | undefined
  /** Whether anybody has a certificate that can still be used. */
  exist(): boolean
  /** Makes the first administrator. Throws when there is one. */
  claimFirst(name: string, csr: Buffer): Promise<Issued>
  /**
   * A new certificate for the same administrator and role; the present one stays good until its end.
   * To be called as a change, of which there is one at a time.
   */
  renew(caller: AdministratorCaller, csr: Buffer): Promise<Issued>
}

const nameForm = /^[^\p{Cc}]{1,128}$/u

export async function openAdministrators(deps: {
  readonly store: Store
  readonly authority: Authority
  readonly changes: SerialQueue
  readonly ttlMs: number
  readonly clock: Clock
  readonly metrics: ControllerMetrics
  readonly log: Logger
}): Promise<Administrators> {
  const { store, authority, changes, ttlMs, clock, metrics, log } = deps
  const bySerial = new Map<string, AdministratorCertificate>()
  for (const one of await loadAdministrators(store.tables, clock.now())) {
    bySerial.set(one.serial, one)
  }

  const living = (): AdministratorCertificate[] =>
    [...bySerial.values()].filter(
      ({ notAfterMs, issuerKeySha256 }) =>
        // One under a tainted issuer is let in nowhere: whoever has it has to begin anew.
        notAfterMs > clock.now() && authority.bundle().issuers.get(issuerKeySha256) !== 'tainted',
    )

  const issue = async (
    who: { readonly administratorId: string; readonly name: string; readonly role: AdminRole },
    csr: Buffer,
  ): Promise<Issued> => {
    const key = readCsr(csr)
    if (await isKeyKnown(store.tables, key.keySha256)) {
      throw new ControllerError('ERR_ARGUMENT', 'this key was certified before: make a new one')
    }
    const issued = authority.issueReserved({
      key,
      spiffeId: adminId(authority.trustDomain, who.role),
      ttlMs,
    })
    const certificate = {
      ...who,
      serial: issued.serial,
      notAfterMs: issued.notAfter,
      issuerKeySha256: readCertificate(issued.chain[1]).keySha256,
    }
    await store.change(async (tables) => {
      await rememberKey(tables, key.keySha256, clock.now())
      await putAdministrator(tables, certificate, clock.now())
    })
    bySerial.set(certificate.serial, certificate)
    metrics.issued.inc({ kind: 'administrator' })
    log.info(
      { administrator: who.name, role: who.role, serial: issued.serial },
      'administrator certificate issued',
    )
    return issued
  }

  return {
    find: (serial) => bySerial.get(serial),
    exist: () => living().length > 0,
    claimFirst: (name, csr) =>
      changes.run(() => {
        if (living().length > 0) {
          throw new ControllerError('ERR_PRECONDITION', 'this controller has an administrator')
        }
        if (!nameForm.test(name)) {
          throw new ControllerError(
            'ERR_ARGUMENT',
            'expected a name of 1 to 128 characters without control characters',
          )
        }
        return issue({ administratorId: randomUUID(), name, role: 'admin' }, csr)
      }),
    renew: ({ administratorId, name, role }, csr) => issue({ administratorId, name, role }, csr),
  }
}
