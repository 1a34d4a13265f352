import { readFile } from 'node:fs/promises'
import { connect } from 'node:tls'
import type { HostPort } from '../base/env.ts'
import { formatHostPort } from '../base/env.ts'
import { messageOf, quote } from '../base/errors.ts'
import { readCertificate } from '../identity/certificate.ts'
import { presentedChain, rootByFingerprint } from '../identity/verify-controller.ts'
import { readCertificatesPem } from './pem.ts'
import { SidecarError } from './sidecar-error.ts'

/** Reads pinned roots (PEM, one or more) as DER; each has to be a CA certificate. */
export async function readPinnedRoots(path: string): Promise<readonly Buffer[]> {
  try {
    const roots = readCertificatesPem(await readFile(path, 'utf8')).map(({ raw }) => raw)
    if (roots.length === 0) throw new Error('no certificate in it')
    for (const root of roots) {
      if (!readCertificate(root).isCa) throw new Error('a certificate in it is not a CA')
    }
    return roots
  } catch (cause: unknown) {
    throw new SidecarError(
      'ERR_PIN',
      `expected PEM roots of the trust domain in ${quote(path)}: ${messageOf(cause)}`,
      { cause },
    )
  }
}

const probeTimeoutMs = 10_000

/**
 * Fetches the root whose DER has this SHA-256 out of what the controller presents. The hash alone
 * vouches for it; the connection is not used for anything else, and the real one is checked against it.
 */
export async function fetchPinnedRoot(
  address: HostPort,
  sha256: string,
  signal: AbortSignal,
): Promise<Buffer> {
  const presented = await probe(address, signal)
  const root = rootByFingerprint(presented, sha256)
  if (root !== undefined) return root
  throw new SidecarError(
    'ERR_PIN',
    `${formatHostPort(address)} presented no root with the SHA-256 ${sha256}: ${String(presented.length)} certificates seen`,
  )
}

async function probe(address: HostPort, signal: AbortSignal): Promise<readonly Buffer[]> {
  return await new Promise((resolve, reject) => {
    const socket = connect({
      ...address,
      ALPNProtocols: ['h2'],
      minVersion: 'TLSv1.3',
      rejectUnauthorized: false, // checked by hash below, and again on the real connection
    })
    const giveUp = AbortSignal.any([signal, AbortSignal.timeout(probeTimeoutMs)])
    const onAbort = (): void => {
      socket.destroy(new Error('no TLS handshake in time'))
    }
    giveUp.addEventListener('abort', onAbort, { once: true })
    socket.once('secureConnect', () => {
      resolve(presentedChain(socket.getPeerCertificate(true)))
      socket.destroy()
    })
    socket.on('error', (cause) => {
      reject(new SidecarError('ERR_PIN', `cannot reach ${formatHostPort(address)}`, { cause }))
    })
    socket.once('close', () => {
      giveUp.removeEventListener('abort', onAbort)
    })
  })
}
