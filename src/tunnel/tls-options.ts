import { constants, type X509Certificate } from 'node:crypto'
import type { SecureContextOptions, TLSSocket } from 'node:tls'
import { codeOf, messageOf } from '../base/errors.ts'
import { verifyPeer, type VerifiedPeer } from '../identity/index.ts'
import type { Reason } from '../policy/reason.ts'
import type { LocalIdentity, Trust } from './context.ts'
import { reasonOfRefusal } from './reauth.ts'
import { TunnelError } from './tunnel-error.ts'

export const alpnProtocol = 'blazon/1'

/**
 * What both ends ask of TLS: 1.3 only, post-quantum key exchange first, no tickets. The roots of the
 * bundle are all that OpenSSL trusts; the rules of PROTOCOL §2 come on top, in `checkPeer`.
 */
export function secureOptions(identity: LocalIdentity, trust: Trust): SecureContextOptions {
  return {
    minVersion: 'TLSv1.3',
    maxVersion: 'TLSv1.3',
    ecdhCurve: 'X25519MLKEM768:X25519:P-256',
    secureOptions: constants.SSL_OP_NO_TICKET,
    ca: trust.bundle.roots.map(pem),
    cert: identity.chain.map(pem).join(''),
    key: identity.privateKey.export({ type: 'pkcs8', format: 'pem' }),
  }
}

/** Runs what hands our own identity to TLS; throws `TunnelError` for one that TLS cannot use. */
export function withOwnIdentity<T>(use: () => T): T {
  try {
    return use()
  } catch (cause: unknown) {
    const message = `our own certificate, key or roots cannot be used: ${messageOf(cause)}`
    throw new TunnelError('ERR_HANDSHAKE', 'internal-error', message, { cause })
  }
}

/** Everything that must hold of a finished handshake; throws `TunnelError`. */
export function checkPeer(socket: TLSSocket, trust: Trust): VerifiedPeer {
  if (socket.alpnProtocol !== alpnProtocol) {
    throw refused('not-a-tunnel', `the peer did not agree on ${alpnProtocol}`)
  }
  // With a resumed session TLS reports certificates as good that have expired since.
  if (socket.isSessionReused()) throw refused('untrusted-peer', 'the TLS session was resumed')
  if (!socket.authorized) throw refused('untrusted-peer', messageOf(socket.authorizationError))
  const verdict = verifyPeer({ chain: presentedChain(socket), ...trust })
  if (!verdict.ok) {
    throw refused(reasonOfRefusal(verdict.code), `${verdict.code}: ${verdict.detail}`)
  }
  if (verdict.peer.workload === undefined) {
    throw refused('untrusted-peer', `${verdict.peer.spiffeId} is not a workload`)
  }
  return verdict.peer
}

/** The certificates that the peer sent, leaf first. To be read once: Node takes the leaf off its list. */
function presentedChain(socket: TLSSocket): Buffer[] {
  const chain: Buffer[] = []
  let certificate: X509Certificate | undefined = socket.getPeerX509Certificate()
  while (certificate !== undefined && chain.length < 4) {
    chain.push(certificate.raw)
    certificate = certificate.issuerCertificate
  }
  return chain
}

/** A handshake that Node or OpenSSL ended: under the closed reason, with the cause kept. */
export function handshakeFailure(cause: unknown): TunnelError {
  const code = codeOf(cause) ?? ''
  const reason =
    reasonsByCode[code] ?? (certificateCodes.test(code) ? 'untrusted-peer' : 'no-tunnel')
  return new TunnelError(
    reason === 'no-tunnel' ? 'ERR_HANDSHAKE' : 'ERR_PEER_REFUSED',
    reason,
    `the TLS handshake failed: ${messageOf(cause).trimEnd()}`,
    { cause },
  )
}

const reasonsByCode: Readonly<Record<string, Reason>> = {
  CERT_HAS_EXPIRED: 'identity-expired',
  CERT_NOT_YET_VALID: 'clock-skew',
  ERR_SSL_NO_APPLICATION_PROTOCOL: 'not-a-tunnel',
  ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL: 'not-a-tunnel',
}
/** OpenSSL's names for what is wrong with a chain, as Node passes them on. */
const certificateCodes =
  /^(CERT_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|INVALID_|PATH_LENGTH_|ERR_SSL_PEER_DID_NOT_RETURN)/

function refused(reason: Reason, message: string): TunnelError {
  return new TunnelError('ERR_PEER_REFUSED', reason, message)
}

function pem(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? []
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n')
}
