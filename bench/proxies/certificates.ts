import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Files of a peer's identity; `both` is chain and key in one file. */
export interface PeerIdentity {
  readonly chain: string
  readonly key: string
  readonly both: string
}

/** What the other proxies prove themselves with: like ours, P-256 throughout and one issuer below the root. */
export interface PeerCertificates {
  readonly root: string
  readonly client: PeerIdentity
  readonly server: PeerIdentity
}

/** The name in the server's certificate, which the client's end checks. */
export const serverName = 'server.bench'

export function createPeerCertificates(directory: string, openssl: string): PeerCertificates {
  const file = (name: string): string => join(directory, name)
  const issue = (name: string, issuer: string | undefined, extensions: readonly string[]): void => {
    const signer =
      issuer === undefined ? [] : ['-CA', file(`${issuer}.pem`), '-CAkey', file(`${issuer}.key`)]
    const options = [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'],
      ...['-days', '2', '-subj', `/CN=${name}`, '-keyout', file(`${name}.key`)],
      ...['-out', file(`${name}.pem`), ...signer],
      ...extensions.flatMap((extension) => ['-addext', extension]),
    ]
    execFileSync(openssl, options, { stdio: ['ignore', 'ignore', 'pipe'] })
  }
  const authority = ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign']
  issue('root', undefined, authority)
  issue('issuer', 'root', authority)
  const leaf = (name: string, usage: string): PeerIdentity => {
    issue(name, 'issuer', [
      'basicConstraints=critical,CA:FALSE',
      'keyUsage=critical,digitalSignature',
      `extendedKeyUsage=${usage}`,
      `subjectAltName=DNS:${name}.bench`,
    ])
    const chain =
      readFileSync(file(`${name}.pem`), 'utf8') + readFileSync(file('issuer.pem'), 'utf8')
    const key = readFileSync(file(`${name}.key`), 'utf8')
    writeFileSync(file(`${name}.chain.pem`), chain)
    writeFileSync(file(`${name}.both.pem`), chain + key)
    return {
      chain: file(`${name}.chain.pem`),
      key: file(`${name}.key`),
      both: file(`${name}.both.pem`),
    }
  }
  return {
    root: file('root.pem'),
    client: leaf('client', 'clientAuth'),
    server: leaf('server', 'serverAuth'),
  }
}
