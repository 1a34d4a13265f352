import { readFile } from 'node:fs/promises'
import { messageOf } from '../base/errors.ts'
import { AttestError } from './errors.ts'
import { readOutsideCertificate, type OutsideCertificate } from './x509-certificate.ts'

/** The authorities whose certificates are evidence. */
export type X509Authorities = readonly OutsideCertificate[]

const maxFileBytes = 1024 * 1024
const block = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/g

/** Reads a PEM file of CA certificates. To be read once at start. Throws `ERR_X509_AUTHORITIES`. */
export async function loadX509Authorities(file: string): Promise<X509Authorities> {
  const bytes = await readFile(file).catch((cause: unknown) => {
    throw fault(`cannot read ${file}`, { cause })
  })
  if (bytes.length > maxFileBytes) throw fault(`${file}: expected at most 1 MiB`)
  return parseX509Authorities(bytes.toString('latin1'), file)
}

/** Reads CA certificates out of PEM; `source` names it in messages. Throws `ERR_X509_AUTHORITIES`. */
export function parseX509Authorities(pem: string, source: string): X509Authorities {
  const found = Array.from(pem.matchAll(block), ([, base64 = '']) => Buffer.from(base64, 'base64'))
  if (found.length === 0) throw fault(`${source}: expected CA certificates in PEM, got none`)
  return found.map((der, index) => {
    const where = `${source}: certificate ${String(index + 1)}`
    const authority = readAuthority(der, where)
    if (!mayIssue(authority)) throw fault(`${where}: expected one of a CA`)
    return authority
  })
}

function readAuthority(der: Buffer, where: string): OutsideCertificate {
  try {
    return readOutsideCertificate(der)
  } catch (cause: unknown) {
    throw fault(`${where}: ${messageOf(cause)}`, { cause })
  }
}

/** Whether the holder of a certificate may sign others. */
export function mayIssue({ extensions: { isCa, keyUsage } }: OutsideCertificate): boolean {
  return isCa && (keyUsage.size === 0 || keyUsage.has('keyCertSign'))
}

function fault(message: string, options?: ErrorOptions): AttestError {
  return new AttestError('ERR_X509_AUTHORITIES', message, options)
}
