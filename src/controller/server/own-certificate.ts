import { generateKeyPair, X509Certificate } from 'node:crypto'
import { promisify } from 'node:util'
import type { Clock } from '../../base/clock.ts'
import type { Authority } from '../../ca/authority.ts'
import { readPublicKey } from '../../ca/csr.ts'
import { controllerId, rootsOf, spkiOf } from '../../identity/index.ts'
import type { ServerIdentity } from './listener.ts'

/** The certificate that the controller shows, and when to make the next. */
export interface OwnCertificate extends ServerIdentity {
  readonly serial: string
  readonly renewAtMs: number
}

const newKeyPair = promisify(generateKeyPair)

/**
 * Has the controller's authority certify a new key as `spiffe://<trust domain>/blazon/controller`.
 * The root stands in the chain as well: a client that knows it by fingerprint alone has to see it.
 */
export async function issueOwnCertificate(
  authority: Authority,
  lifeMs: number,
  clock: Clock,
): Promise<OwnCertificate> {
  const { publicKey, privateKey } = await newKeyPair('ec', { namedCurve: 'P-256' })
  const key = readPublicKey(spkiOf(publicKey))
  const issued = authority.issueReserved({
    key,
    spiffeId: controllerId(authority.trustDomain),
    ttlMs: lifeMs,
  })
  const now = clock.now()
  const root = rootOf(authority, issued.chain[1])
  return {
    certificateChain: [...issued.chain, root].map(toPem).join(''),
    privateKey: privateKey.export({ format: 'pem', type: 'pkcs8' }),
    root: toPem(root),
    keySha256: key.keySha256,
    serial: issued.serial,
    renewAtMs: now + (issued.notAfter - now) / 2,
  }
}

function rootOf(authority: Authority, issuer: Buffer): Buffer {
  const certificate = new X509Certificate(issuer)
  const root = rootsOf(authority.bundle()).find(
    ({ x509, publicKey }) => certificate.checkIssued(x509) && certificate.verify(publicKey),
  )
  if (root === undefined) throw new Error('BUG: an issuer that no root of the bundle has signed')
  return root.der
}

/** One certificate in PEM. */
export function toPem(der: Buffer): string {
  return new X509Certificate(der).toString()
}
