import { createPublicKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import { expect } from 'chai'
import { AttestError, parseX509Authorities } from '../../src/attest/index.ts'
import { attestByX509, type X509Node } from '../../src/attest/x509-evidence.ts'
import { readAlternativeNames, readSubjectNames } from '../../src/attest/x509-name.ts'
import { basicConstraints, extendedKeyUsage, keyUsage } from '../../src/ca/extensions.ts'
import { codeOf, messageOf } from '../../src/base/errors.ts'
import {
  derElement,
  derOid,
  DerReader,
  derSequence,
  derSet,
  derUtf8,
  IdentityError,
  oidBytes,
} from '../../src/identity/index.ts'
import { toPem } from '../../src/cli/pem.ts'
import { expectError } from '../support/expect-error.ts'
import { newKeys, type LeafFaults, type TestKeys, type TestLeaf } from '../support/test-ca.ts'
import { northRegion } from '../support/test-iid.ts'
import { createOutsideCa } from '../support/test-x509.ts'

const outside = createOutsideCa()
const authorities = parseX509Authorities(outside.pem, 'test')
const { now } = outside.ca
const message = Buffer.from('what is signed')

function attest(leaf: TestLeaf, chain: readonly Buffer[] = leaf.chain, at: number = now): X509Node {
  const { privateKey } = leaf
  const digest = privateKey.asymmetricKeyType === 'ed25519' ? null : 'sha256'
  const signature = sign(digest, message, { key: privateKey, dsaEncoding: 'der' })
  return attestByX509(
    { chain: [...chain], signature },
    { authorities, now: at, transcript: () => message },
  )
}

const without = (oid: string): LeafFaults => ({
  extensions: (right) => right.filter((one) => !one.oid.equals(oidBytes(oid))),
})
const instead = (one: ReturnType<typeof keyUsage>): LeafFaults => ({
  extensions: (right) => right.map((other) => (other.oid.equals(one.oid) ? one : other)),
})

describe('attestByX509()', () => {
  it('makes labels of the listed fields, assigned, and a node of the key', () => {
    const leaf = outside.machine('host-1')
    const node = attest(leaf)
    expect(node.method).to.equal('x509')
    expect(node.nodeId).to.match(/^x509:[0-9a-f]{64}$/)
    expect(node.attributes).to.deep.equal(
      [
        ['label.x509-cn', 'host-1'],
        ['label.x509-o', 'Corp'],
        ['label.x509-dns', 'host-1.corp.example'],
        ['label.x509-uri', 'https://host-1.corp.example/'],
      ].map(([key, value]) => ({ key, value, provenance: 'assigned' })),
    )
    const keys = { privateKey: leaf.privateKey, spki: leaf.spki }
    expect(attest(outside.machine('host-1', { keys })).nodeId).to.equal(node.nodeId)
    expect(attest(outside.machine('host-1')).nodeId).to.not.equal(node.nodeId)
  })

  it('takes a chain with its root, and a leaf that the root signed itself', () => {
    const leaf = outside.machine('host-1')
    attest(leaf, [...leaf.chain, outside.ca.root.certificate])
    const direct = outside.machine('host-1', { issuer: outside.ca.root })
    attest(direct, [direct.chain[0]])
  })

  const keyKinds: Readonly<Record<string, () => TestKeys>> = {
    Ed25519: () => exported(generateKeyPairSync('ed25519').privateKey),
    'P-384': () => exported(generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey),
    'RSA-2048': () => exported(northRegion.keys.rsa2048),
  }
  for (const [kind, keys] of Object.entries(keyKinds)) {
    it(`takes a key of kind ${kind}`, () => {
      attest(outside.machine('host-1', { keys: keys() }))
    })
  }

  const other = createOutsideCa()
  const caLeaf: LeafFaults = instead(basicConstraints({}))
  const forgeries: Readonly<Record<string, readonly [() => unknown, RegExp]>> = {
    'a certificate of another CA': [() => attest(other.machine('host-1')), /configured CA/],
    'a chain to another root': [
      () => {
        const leaf = other.machine('host-1')
        return attest(leaf, [...leaf.chain, other.ca.root.certificate])
      },
      /configured CA/,
    ],
    'another CA’s leaf under our issuer': [
      () =>
        attest(other.machine('host-1'), [
          other.machine('h').chain[0],
          outside.ca.issuer.certificate,
        ]),
      /does not hold together/,
    ],
    'a leaf without its issuer': [
      () => {
        const leaf = outside.machine('host-1')
        return attest(leaf, [leaf.chain[0]])
      },
      /configured CA/,
    ],
    'a leaf that another leaf signed': [
      () => {
        const parent = outside.machine('parent')
        const issuer = {
          key: parent.privateKey,
          name: { commonName: 'parent', organization: 'Corp' },
          spki: parent.spki,
          keySha256: '',
          certificate: parent.chain[0],
        }
        const child = outside.machine('child', { issuer })
        return attest(child, [child.chain[0], ...parent.chain])
      },
      /does not hold together/,
    ],
    'a CA below a CA that allows none': [
      () => {
        const below = outside.ca.addIssuer({ parent: outside.ca.issuer })
        const leaf = outside.machine('host-1', { issuer: below })
        return attest(leaf, [...leaf.chain, outside.ca.issuer.certificate])
      },
      /does not hold together/,
    ],
    'an expired one': [() => attest(outside.machine('h'), undefined, now + 7_200_000), /expired/],
    'one that is not valid yet': [
      () => attest(outside.machine('h', { notBefore: now + 60_000 })),
      /not valid yet/,
    ],
    'an expired issuer': [
      () => {
        const issuer = outside.ca.addIssuer({ notBefore: now - 9_000, notAfter: now - 1_000 })
        return attest(outside.machine('h', { issuer }))
      },
      /expired/,
    ],
    'one of a CA': [() => attest(outside.machine('h', caLeaf)), /not of a CA/],
    'one for other uses': [
      () => attest(outside.machine('h', instead(keyUsage('keyEncipherment')))),
      /signatures/,
    ],
    'one for servers alone': [
      () => attest(outside.machine('h', instead(extendedKeyUsage('serverAuth')))),
      /clients/,
    ],
    'one with an extension that has to be obeyed': [
      () =>
        attest(
          outside.machine('h', {
            extensions: (right) => [
              ...right,
              { oid: oidBytes('1.3.6.1.4.1.99999.1'), critical: true, value: derUtf8('x') },
            ],
          }),
        ),
      /do not know/,
    ],
    'one with a weak key': [
      () => attest(outside.machine('h', { keys: exported(northRegion.keys.signature) })),
      /2,048 bits/,
    ],
    'a name that is no attribute': [
      () =>
        attest(
          outside.machine('h', {
            spec: (right) => ({ ...right, subject: { commonName: 'a\u0000b' } }),
          }),
        ),
      /control characters/,
    ],
    'trailing bytes': [
      () => {
        const leaf = outside.machine('h')
        return attest(leaf, [Buffer.concat([leaf.chain[0], Buffer.of(0)]), leaf.chain[1]])
      },
      /bytes too many/,
    ],
    'a signature by another key': [
      () => attest({ ...outside.machine('h'), privateKey: newKeys().privateKey }),
      /did not sign/,
    ],
    'no certificate': [() => attest(outside.machine('h'), []), /got none/],
    'more certificates than any chain has': [
      () => attest(outside.machine('h'), Array<Buffer>(6).fill(outside.ca.issuer.certificate)),
      /at most 5/,
    ],
  }
  for (const [what, [forge, words]] of Object.entries(forgeries)) {
    it(`refuses ${what}`, () => {
      let thrown: unknown
      try {
        forge()
      } catch (error: unknown) {
        thrown = error
      }
      expect(
        thrown instanceof AttestError || thrown instanceof IdentityError,
        String(thrown),
      ).to.equal(true)
      expect(messageOf(thrown)).to.match(words)
      expect(codeOf(thrown)).to.match(/^ERR_/)
    })
  }

  it('takes a leaf without any extended use', () => {
    attest(outside.machine('h', without('2.5.29.37')))
  })
})

describe('names of certificates', () => {
  const pair = (oid: string, value: Buffer): Buffer => derSequence(derOid(oidBytes(oid)), value)

  it('are read from the subject, several in one set or not', () => {
    const subject = derSequence(
      derSet(pair('2.5.4.6', derElement(0x13, Buffer.from('DE')))),
      derSet(pair('2.5.4.11', derUtf8('ops')), pair('2.5.4.11', derUtf8('edge'))),
      derSet(pair('2.5.4.3', derElement(0x13, Buffer.from('host-1')))),
      derSet(pair('2.5.4.10', derElement(0x1e, Buffer.from('0041', 'hex')))),
    )
    const names = DerReader.open(subject, 1_000).sequence(readSubjectNames)
    expect(names).to.deep.equal({
      commonNames: ['host-1'],
      organizations: [],
      units: ['ops', 'edge'],
    })
  })

  it('are refused where an alternative name is no text', () => {
    const names = (...list: readonly Buffer[]): unknown =>
      readAlternativeNames(derSequence(...list))
    expect(
      names(derElement(0x82, Buffer.from('a')), derElement(0x87, Buffer.alloc(4))),
    ).to.deep.equal({ dnsNames: ['a'], uris: [] })
    expect(names(derElement(0x82, Buffer.from('a\u0000b')))).to.equal(undefined)
    expect(names(derElement(0x86, Buffer.from('ü')))).to.equal(undefined)
  })
})

describe('parseX509Authorities()', () => {
  const cases: Readonly<Record<string, string>> = {
    'no certificate': 'hello',
    'a certificate that is not of a CA': toPem(outside.machine('h').chain[0]),
    'a certificate that is none': toPem(Buffer.from('3000', 'hex')),
  }
  for (const [what, pem] of Object.entries(cases)) {
    it(`refuses ${what}`, () => {
      expectError(() => parseX509Authorities(pem, 'test'), AttestError, 'ERR_X509_AUTHORITIES')
    })
  }
})

function exported(privateKey: KeyObject): TestKeys {
  const spki = createPublicKey(privateKey).export({ type: 'spki', format: 'der' })
  return { privateKey, spki }
}
