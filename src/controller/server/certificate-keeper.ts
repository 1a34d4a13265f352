import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import type { Authority } from '../../ca/authority.ts'
import type { ServerIdentity } from './listener.ts'
import { issueOwnCertificate, type OwnCertificate } from './own-certificate.ts'

/** The controller's own certificate, and everybody who shows it. */
export interface CertificateKeeper {
  readonly current: OwnCertificate
  /** Has a new one certified and gives it to all who show it. */
  renew(): Promise<void>
  /** To be given every certificate that comes after the current one. */
  onRenewed(take: (identity: ServerIdentity) => void): void
}

export async function createCertificateKeeper(
  authority: Authority,
  lifeMs: number,
  { clock, log }: { readonly clock: Clock; readonly log: Logger },
): Promise<CertificateKeeper> {
  let current = await issueOwnCertificate(authority, lifeMs, clock)
  const takers: ((identity: ServerIdentity) => void)[] = []
  return {
    get current() {
      return current
    },
    renew: async () => {
      current = await issueOwnCertificate(authority, lifeMs, clock)
      for (const take of takers) take(current)
      log.info({ serial: current.serial }, 'own certificate renewed')
    },
    onRenewed: (take) => {
      takers.push(take)
    },
  }
}
