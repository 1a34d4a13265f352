import { createHash } from 'node:crypto'
import { expect } from 'chai'
import type { TrustBundle } from '../../src/identity/bundle.ts'
import { parseTrustDomain } from '../../src/identity/spiffe-id.ts'
import {
  controllerRefusal,
  presentedChain,
  rootByFingerprint,
  rootFingerprint,
  rootsOfTrust,
  verifyController,
  type ControllerTrust,
  type ControllerVerdict,
  type PresentedCertificate,
} from '../../src/identity/verify-controller.ts'
import { createTestCa } from '../support/test-ca.ts'

const hourMs = 3_600_000
const ca = createTestCa()
const other = createTestCa()
const foreign = createTestCa({ trustDomain: 'evil.example' })
const unlisted = ca.addIssuer()
const tainted = ca.addIssuer({ state: 'tainted' })
const bundle = ca.bundle()
const trustDomain = parseTrustDomain(ca.trustDomain)
const roots = [ca.root.certificate]

const byBundle: ControllerTrust = { kind: 'bundle', bundle }
const byRoots: ControllerTrust = { kind: 'roots', roots, trustDomain }
const byRootsAlone: ControllerTrust = { kind: 'roots', roots }
const byRootsAndMemory: ControllerTrust = { kind: 'roots', roots, trustDomain, known: bundle }

function verdictOn(
  leaf: { readonly chain: readonly Buffer[] },
  trust: ControllerTrust,
  now: number = ca.now,
): ControllerVerdict {
  return verifyController({ chain: leaf.chain, trust, now })
}

function outcome(verdict: ControllerVerdict): string {
  return verdict.ok ? 'the controller' : verdict.code
}

describe('verifyController()', () => {
  const trusts = { byBundle, byRoots, byRootsAlone, byRootsAndMemory }
  type TrustName = keyof typeof trusts
  const rows: readonly {
    readonly who: string
    readonly leaf: { readonly chain: readonly Buffer[] }
    readonly expected: Readonly<Record<TrustName, string>>
  }[] = [
    {
      who: 'the controller',
      leaf: ca.controller(),
      expected: all('the controller'),
    },
    {
      who: 'a workload of the same domain',
      leaf: ca.workload({ name: 'web' }),
      expected: all('not-the-controller'),
    },
    { who: 'an administrator', leaf: ca.admin('admin'), expected: all('not-the-controller') },
    { who: 'a node', leaf: ca.reserved('/blazon/node'), expected: all('not-the-controller') },
    {
      who: 'a controller whose certificate has expired',
      leaf: ca.controller({ notBefore: ca.now - 2 * hourMs, notAfter: ca.now - hourMs }),
      expected: all('expired'),
    },
    {
      who: 'a controller of another authority for the same domain',
      leaf: other.controller(),
      expected: { ...all('root-unknown'), byBundle: 'issuer-not-listed' },
    },
    {
      who: 'a controller of another domain',
      leaf: foreign.controller(),
      expected: { ...all('wrong-trust-domain'), byRootsAlone: 'root-unknown' },
    },
    {
      who: 'a controller under an issuer that no list names',
      leaf: ca.controller({ issuer: unlisted }),
      expected: { ...all('the controller'), byBundle: 'issuer-not-listed' },
    },
    {
      who: 'a controller under a tainted issuer',
      leaf: ca.controller({ issuer: tainted }),
      expected: {
        byBundle: 'issuer-tainted',
        byRoots: 'the controller',
        byRootsAlone: 'the controller',
        byRootsAndMemory: 'issuer-tainted',
      },
    },
    { who: 'nobody', leaf: { chain: [] }, expected: all('chain-malformed') },
    {
      who: 'a leaf without its issuer',
      leaf: { chain: ca.controller().chain.slice(0, 1) },
      expected: all('chain-malformed'),
    },
    {
      who: 'garbage',
      leaf: { chain: [Buffer.from('garbage'), Buffer.from('more')] },
      expected: all('chain-malformed'),
    },
  ]
  function all(text: string): Record<TrustName, string> {
    return { byBundle: text, byRoots: text, byRootsAlone: text, byRootsAndMemory: text }
  }
  for (const { who, leaf, expected } of rows) {
    it(`says of ${who} what each kind of trust allows`, () => {
      const seen = Object.fromEntries(
        Object.entries(trusts).map(([name, trust]) => [name, outcome(verdictOn(leaf, trust))]),
      )
      expect(seen).to.deep.equal(expected)
    })
  }

  it('gives the trust domain and the key that it has verified', () => {
    const leaf = ca.controller()
    const verdict = verdictOn(leaf, byRootsAlone)
    if (!verdict.ok) throw new Error(verdict.detail)
    expect(verdict.trustDomain).to.equal('acme.example')
    expect(verdict.controller.chain).to.deep.equal(leaf.chain)
    expect(verdict.controller.keySha256).to.equal(
      createHash('sha256').update(leaf.spki).digest('hex'),
    )
  })

  it('takes no root but the pinned ones, though a bundle of an earlier life lists others', () => {
    const known: TrustBundle = { ...other.bundle(), trustDomain }
    const trust: ControllerTrust = { kind: 'roots', roots, trustDomain, known }
    expect(outcome(verdictOn(other.controller(), trust))).to.equal('root-unknown')
    expect(rootsOfTrust(trust)).to.deep.equal(roots)
    expect(rootsOfTrust(byBundle)).to.deep.equal(bundle.roots)
  })

  it('says whom it expected and whom it got', () => {
    const verdict = verdictOn(ca.workload({ name: 'web' }), byBundle)
    if (verdict.ok) throw new Error('taken for the controller')
    expect(controllerRefusal(verdict)).to.equal(
      'expected spiffe://acme.example/blazon/controller, got "spiffe://acme.example/ns/default/workload/web"',
    )
    const unlistedVerdict = verdictOn(ca.controller({ issuer: unlisted }), byBundle)
    if (unlistedVerdict.ok) throw new Error('taken for the controller')
    expect(controllerRefusal(unlistedVerdict)).to.match(/^issuer-not-listed: /)
  })
})

describe('rootByFingerprint()', () => {
  const { root } = ca
  const controller = ca.controller()
  const presented = [...controller.chain, root.certificate]

  it('finds the root, and says what openssl says of it', () => {
    const fingerprint = createHash('sha256').update(root.certificate).digest('hex')
    expect(rootFingerprint(root.certificate)).to.equal(fingerprint)
    expect(rootByFingerprint(presented, fingerprint)).to.equal(root.certificate)
  })

  it('finds nothing where the root is another one', () => {
    const fingerprint = rootFingerprint(other.root.certificate)
    expect(rootByFingerprint(presented, fingerprint)).to.equal(undefined)
  })

  it('takes no leaf for a root, though it is the one that was named', () => {
    const [leaf] = controller.chain
    expect(rootByFingerprint(presented, rootFingerprint(leaf))).to.equal(undefined)
  })
})

describe('presentedChain()', () => {
  const chained = (...raws: readonly Buffer[]): PresentedCertificate =>
    raws.reduceRight<PresentedCertificate>(
      (issuerCertificate, raw) => ({ raw, issuerCertificate }),
      {},
    )

  it('ends at a root, which names itself', () => {
    const [leaf, root] = [Buffer.from('leaf'), Buffer.from('root')]
    const own: { raw: Buffer; issuerCertificate?: PresentedCertificate } = { raw: root }
    own.issuerCertificate = own
    expect(presentedChain({ raw: leaf, issuerCertificate: own })).to.deep.equal([leaf, root])
  })

  it('ends where nothing more is known', () => {
    expect(presentedChain({})).to.deep.equal([])
    expect(presentedChain(chained(Buffer.from('leaf')))).to.deep.equal([Buffer.from('leaf')])
  })

  it('does not follow a chain for ever', () => {
    const raws = Array.from({ length: 100 }, (_, index) => Buffer.from(String(index)))
    expect(presentedChain(chained(...raws))).to.deep.equal(raws.slice(0, 8))
  })
})
