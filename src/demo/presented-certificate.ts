import { once } from 'node:events'
import { connect } from 'node:tls'
import type { HostPort } from '../base/env.ts'
import { readCertificate, type Certificate } from '../identity/certificate.ts'

/**
 * The certificate that a tunnel listener shows to anybody. TLS 1.3 sends it before the client has
 * proved anything, so we look and hang up; it is not verified here.
 */
export async function presentedCertificate(
  address: HostPort,
  signal: AbortSignal,
): Promise<Certificate> {
  const socket = connect({
    ...address,
    ALPNProtocols: ['blazon/1'],
    minVersion: 'TLSv1.3',
    rejectUnauthorized: false,
  })
  try {
    await once(socket, 'secureConnect', {
      signal: AbortSignal.any([signal, AbortSignal.timeout(5_000)]),
    })
    const { raw } = socket.getPeerCertificate()
    return readCertificate(raw)
  } finally {
    socket.on('error', () => undefined) // the other end refuses us, as it should
    socket.destroy()
  }
}
