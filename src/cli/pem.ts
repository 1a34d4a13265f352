import { CliError } from './failure.ts'

/** A DER certificate as PEM, 64 characters a line. */
export function toPem(der: Buffer): string {
  const body = der.toString('base64').replaceAll(/.{64}(?=.)/g, '$&\n')
  return `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n`
}

const block = /-----BEGIN CERTIFICATE-----\r?\n([A-Za-z0-9+/=\r\n]+)-----END CERTIFICATE-----/g

/** The DER certificates of a PEM text, in order; text around the blocks is ignored, as OpenSSL does. */
export function certificatesOfPem(pem: string): Buffer[] {
  return Array.from(pem.matchAll(block), ([, body]) => Buffer.from(body ?? '', 'base64'))
}

/** As `certificatesOfPem`, for a file that must hold at least one. Throws `CliError` ERR_FILE. */
export function requireCertificates(pem: string, source: string): Buffer[] {
  const found = certificatesOfPem(pem)
  if (found.length === 0) {
    throw new CliError('ERR_FILE', `${source}: expected PEM certificates, found none`)
  }
  return found
}
