import { X509Certificate } from 'node:crypto'

/** All certificates of a PEM text, in its order; throws for one that cannot be read. */
export function readCertificatesPem(pem: string): readonly X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  return blocks.map((block) => new X509Certificate(block))
}
