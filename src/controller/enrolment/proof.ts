import type { PublicKey } from '../../ca/csr.ts'
import type { NodeClaim } from './node-record.ts'
import type { ReportedSubject } from './subject.ts'

/** An application that proved what it says: everything that is checked before anything is changed. */
export interface Proof extends NodeClaim {
  readonly subject: ReportedSubject
  /** The request as it came, and the key in it. */
  readonly csr: Buffer
  readonly key: PublicKey
}
