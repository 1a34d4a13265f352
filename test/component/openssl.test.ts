import { execFile, spawnSync } from 'node:child_process'
import { randomBytes, X509Certificate } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { systemClock } from '../../src/base/clock.ts'
import { silentLogger } from '../../src/base/logger.ts'
import { openAuthority, type Authority } from '../../src/ca/authority.ts'
import { readCsr, readPublicKey } from '../../src/ca/csr.ts'
import { extendedKeyUsage } from '../../src/ca/extensions.ts'
import { createKeyProtector } from '../../src/ca/key-protector.ts'
import { createCsr } from '../../src/identity/csr.ts'
import { identityExtensionOidText } from '../../src/identity/identity-extension.ts'
import { spkiOf } from '../../src/identity/public-key.ts'
import { controllerId } from '../../src/identity/reserved-path.ts'
import { parseTrustDomain } from '../../src/identity/spiffe-id.ts'
import { createMemoryAuthorityStore } from '../support/memory-authority-store.ts'
import { issueWeb } from '../support/test-authority.ts'
import { createTestCa, newKeys } from '../support/test-ca.ts'

const run = promisify(execFile)
const hourMs = 3_600_000

interface Outcome {
  readonly ok: boolean
  readonly output: string
}

describe('the openssl program', function () {
  let directory = ''
  let authority: Authority

  before(async function () {
    if (spawnSync('openssl', ['version']).status !== 0) this.skip()
    directory = await mkdtemp(join(tmpdir(), 'blazon-openssl-'))
    authority = await openAuthority({
      store: createMemoryAuthorityStore(),
      protector: createKeyProtector({ key: randomBytes(32), purpose: 'ca' }),
      clock: systemClock,
      trustDomain: parseTrustDomain('acme.example'),
      log: silentLogger,
    })
  })
  after(async () => {
    if (directory !== '') await rm(directory, { recursive: true })
  })

  const openssl = async (...args: string[]): Promise<Outcome> => {
    try {
      const { stdout, stderr } = await run('openssl', args, { cwd: directory })
      return { ok: true, output: stdout + stderr }
    } catch (error: unknown) {
      const { stdout, stderr } = error as { stdout: string; stderr: string }
      return { ok: false, output: stdout + stderr }
    }
  }

  const pem = (der: Buffer): string => new X509Certificate(der).toString()

  const verify = async (
    purpose: string,
    roots: readonly Buffer[],
    chain: readonly Buffer[],
  ): Promise<Outcome> => {
    const [leaf, ...issuers] = chain
    await writeFile(join(directory, 'roots.pem'), roots.map(pem).join(''))
    await writeFile(join(directory, 'issuers.pem'), issuers.map(pem).join(''))
    await writeFile(join(directory, 'leaf.pem'), leaf === undefined ? '' : pem(leaf))
    return openssl(
      ...['verify', '-x509_strict', '-check_ss_sig', '-purpose', purpose],
      ...['-no-CApath', '-no-CAstore', '-CAfile', 'roots.pem'],
      ...['-untrusted', 'issuers.pem', 'leaf.pem'],
    )
  }

  for (const purpose of ['sslclient', 'sslserver']) {
    it(`accepts what we issue as ${purpose}`, async () => {
      const { roots } = authority.bundle()
      const key = readPublicKey(newKeys().spki)
      const id = controllerId(authority.trustDomain)
      const chains = [
        issueWeb(authority, hourMs).chain,
        authority.issueReserved({ key, spiffeId: id, ttlMs: hourMs }).chain,
      ]
      for (const chain of chains) {
        const { ok, output } = await verify(purpose, roots, chain)
        expect(output).to.equal('leaf.pem: OK\n')
        expect(ok).to.equal(true)
      }
    })
  }

  const text = async (der: Buffer): Promise<string> => {
    await writeFile(join(directory, 'shown.pem'), pem(der))
    const { output } = await openssl(
      'x509',
      '-in',
      'shown.pem',
      '-noout',
      '-text',
      '-nameopt',
      'RFC2253',
    )
    return output.replaceAll(/\s+/g, ' ')
  }

  it('shows a leaf as an X.509-SVID', async () => {
    const { chain, serial } = issueWeb(authority, hourMs)
    const shown = await text(chain[0])
    const parts = [
      'Version: 3 (0x2)',
      `Serial Number: ${serial.match(/../g)?.join(':') ?? ''}`,
      'Signature Algorithm: ecdsa-with-SHA256',
      'Subject: CN=web,O=acme.example',
      'NIST CURVE: P-256',
      'X509v3 Basic Constraints: critical CA:FALSE',
      'X509v3 Key Usage: critical Digital Signature X509v3',
      'X509v3 Extended Key Usage: TLS Web Server Authentication, TLS Web Client Authentication',
      'X509v3 Subject Key Identifier:',
      'X509v3 Authority Key Identifier:',
      'X509v3 Subject Alternative Name: URI:spiffe://acme.example/ns/default/workload/web',
      `${identityExtensionOidText}: 0`,
    ]
    for (const part of parts) expect(shown).to.include(part)
  })

  it('shows an issuer and a root that sign certificates and nothing else', async () => {
    const [, issuer] = issueWeb(authority, hourMs).chain
    const [root] = authority.bundle().roots
    const certificates = [
      { shown: await text(issuer), pathLength: 0 },
      { shown: await text(root ?? Buffer.alloc(0)), pathLength: 1 },
    ]
    for (const { shown, pathLength } of certificates) {
      expect(shown).to.include(
        `X509v3 Basic Constraints: critical CA:TRUE, pathlen:${String(pathLength)}`,
      )
      expect(shown).to.include('X509v3 Key Usage: critical Certificate Sign X509v3')
      expect(shown).to.include('X509v3 Subject Alternative Name: URI:spiffe://acme.example ')
      expect(shown).to.not.include('Extended Key Usage')
    }
  })

  it('refuses what it should refuse', async () => {
    const ca = createTestCa()
    const other = createTestCa()
    // Somebody with an issuer's key makes an issuer of their own below it.
    const below = ca.addIssuer({ parent: ca.issuer })
    const belowIssuer = ca.workload({ name: 'web', issuer: below }).chain
    const codeSigning = ca.workload({
      name: 'web',
      extensions: (right) => [
        ...right.filter((_, index) => index !== 2),
        extendedKeyUsage('codeSigning'),
      ],
    })
    const cases: [name: string, chain: readonly Buffer[], problem: string][] = [
      ['another root', other.workload({ name: 'web' }).chain, 'unable to get'],
      ['expired', ca.workload({ name: 'web', notAfter: ca.now - 1_000 }).chain, 'has expired'],
      ['not yet', ca.workload({ name: 'web', notBefore: ca.now + hourMs }).chain, 'not yet valid'],
      ['too deep', [...belowIssuer, ca.issuer.certificate], 'path length constraint exceeded'],
      ['wrong purpose', codeSigning.chain, 'unsuitable certificate purpose'],
    ]
    for (const [name, chain, problem] of cases) {
      const { ok, output } = await verify('sslclient', [ca.root.certificate], chain)
      expect(ok, name).to.equal(false)
      expect(output, name).to.include(problem)
    }
  })

  it('makes requests that we read, and wishes in them are ignored', async () => {
    await openssl(
      ...['req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'],
      ...['-keyout', 'own.key', '-outform', 'DER', '-out', 'own.csr', '-subj', '/CN=admin'],
      ...['-addext', 'subjectAltName=URI:spiffe://acme.example/blazon/admin/admin'],
      ...['-addext', 'basicConstraints=critical,CA:TRUE'],
    )
    const { spki } = readCsr(await readFile(join(directory, 'own.csr')))
    await openssl('pkey', '-in', 'own.key', '-pubout', '-outform', 'DER', '-out', 'own.spki')
    expect(spki).to.deep.equal(await readFile(join(directory, 'own.spki')))
  })

  it('verifies requests that we make', async () => {
    const { privateKey } = newKeys()
    await writeFile(join(directory, 'ours.csr'), createCsr(privateKey, 'web'))
    const { ok, output } = await openssl(
      ...['req', '-inform', 'DER', '-in', 'ours.csr', '-verify', '-noout', '-text'],
    )
    expect(output).to.match(/verify OK/)
    expect(output.replaceAll(/[\s:]/g, '')).to.include(
      spkiOf(privateKey).subarray(-65).toString('hex'),
    )
    expect(ok).to.equal(true)
  })
})
