import { expect } from 'chai'
import { readBer } from '../../src/attest/iid/ber.ts'
import { verifyIid, type IidEvidence, type IidRefusal } from '../../src/attest/iid/index.ts'
import {
  derElement,
  derOctetString,
  derOid,
  derSequence,
  derSet,
  derUnsigned,
  oidBytes,
} from '../../src/identity/index.ts'
import {
  algorithm,
  attribute,
  indefinite,
  mintBlob,
  mintIid,
  northRegion,
  oids,
  signDetached,
  southRegion,
  testDocument,
  testIidKeys,
  utcTime,
  type BlobOptions,
} from '../support/test-iid.ts'

const keys = testIidKeys()

function refusalOf(evidence: IidEvidence, trusted = keys): IidRefusal | 'accepted' {
  const verdict = verifyIid(evidence, trusted)
  return verdict.ok ? 'accepted' : verdict.code
}

const minted = (options: Partial<BlobOptions> = {}): IidEvidence => {
  const form = options.form ?? 'rsa2048'
  return { form, blob: mintBlob({ form, ...options }) }
}

const nullElement = derElement(0x05)
const sha512 = '2.16.840.1.101.3.4.2.3'
const content = (oid: string): Buffer => derOid(oidBytes(oid))
const without =
  (index: number) =>
  (usual: readonly Buffer[]): readonly Buffer[] =>
    usual.filter((_, at) => at !== index)
const replaced =
  (index: number, by: Buffer) =>
  (usual: readonly Buffer[]): readonly Buffer[] =>
    usual.with(index, by)
const also =
  (more: Buffer) =>
  (usual: readonly Buffer[]): readonly Buffer[] => [...usual, more]

describe('verifyIid() of what AWS may write', () => {
  for (const form of ['rsa2048', 'pkcs7', 'signature'] as const) {
    it(`accepts the form ${form} of a region`, () => {
      expect(refusalOf(mintIid(form))).to.equal('accepted')
      expect(refusalOf(mintIid(form, {}, southRegion))).to.equal('accepted')
    })
  }

  const half = Math.floor(testDocument().length / 2)
  const pieces = [testDocument().subarray(0, half), testDocument().subarray(half)].map((piece) =>
    derOctetString(piece),
  )
  const variants: readonly (readonly [about: string, options: Partial<BlobOptions>])[] = [
    ['definite lengths', { lengths: 'definite' }],
    ['content that is not nested', { content: derOctetString(testDocument()) }],
    ['content in two pieces', { content: indefinite(0x24, ...pieces) }],
    ['content in pieces of definite length', { content: derElement(0x24, ...pieces) }],
    ['absent digest parameters', { digestParameters: 'absent' }],
    ['NULL signature parameters', { signatureParameters: 'null' }],
    [
      'the name of the key in place of the signature algorithm, as in 2018',
      { signatureOid: oids.rsaEncryption },
    ],
    ['no CMSAlgorithmProtection, as before 2021', { attributes: without(3) }],
    ['no signing time', { attributes: without(1) }],
    [
      'a signed attribute that is not known',
      { attributes: also(attribute('1.2.3.4', nullElement)) },
    ],
  ]
  for (const [about, options] of variants) {
    it(`accepts ${about}`, () => {
      expect(refusalOf(minted(options))).to.equal('accepted')
    })
  }

  it('accepts a document that IPv6 leaves without a private address', () => {
    for (const privateIp of [undefined, null, '']) {
      expect(refusalOf(mintIid('rsa2048', { privateIp }))).to.equal('accepted')
    }
  })
})

describe('verifyIid() against forgery', () => {
  const attacks: readonly (readonly [string, IidRefusal, Partial<BlobOptions>])[] = [
    // Who signs
    ['the key of another region', 'signature-invalid', { signingKey: southRegion.keys.rsa2048 }],
    [
      'the key of another region under its own serial',
      'wrong-signer',
      { signingKey: southRegion.keys.rsa2048, serial: southRegion.serial },
    ],
    ['the document of another region', 'wrong-signer', { document: testDocument({}, southRegion) }],
    [
      'a document that changes region on the way',
      'wrong-signer',
      { region: southRegion, document: testDocument() },
    ],
    ['the RSA-1024 key', 'signature-invalid', { signingKey: northRegion.keys.signature }],
    ['another serial', 'wrong-signer', { serial: Buffer.of(1) }],
    [
      'a serial with a needless zero',
      'malformed-signed-data',
      { serial: Buffer.concat([Buffer.of(0), northRegion.serial]) },
    ],
    ['a negative serial', 'malformed-signed-data', { serial: northRegion.serial.subarray(1) }],
    [
      'another issuer',
      'wrong-signer',
      {
        issuer: derSequence(
          derSet(
            derSequence(content('2.5.4.10'), derElement(0x13, Buffer.from('Test Web Services'))),
          ),
        ),
      },
    ],
    ['an issuer that is no name', 'malformed-signed-data', { issuer: nullElement }],
    ['a second signer', 'signer-count', { signers: (signer) => [signer, signer] }],
    ['no signer', 'signer-count', { signers: () => [] }],
    [
      'an embedded certificate',
      'embedded-certificate',
      { embedded: [derElement(0xa0, derSequence(derUnsigned(1)))] },
    ],
    ['an empty set of certificates', 'embedded-certificate', { embedded: [derElement(0xa0)] }],
    ['a revocation list', 'embedded-revocation-list', { embedded: [derElement(0xa1)] }],
    [
      'an unsigned attribute',
      'unsigned-attribute',
      { afterSignature: [derElement(0xa1, attribute(oids.signingTime, utcTime('260216003828Z')))] },
    ],
    // Signed attributes
    [
      'no signed attributes',
      'signed-attributes-missing',
      { attributesElement: () => Buffer.alloc(0) },
    ],
    [
      'signed attributes under another tag',
      'signed-attributes-missing',
      { attributesElement: (usual) => Buffer.concat([Buffer.of(0x31), usual.subarray(1)]) },
    ],
    ['no contentType', 'signed-attribute-missing', { attributes: without(0) }],
    ['no messageDigest', 'signed-attribute-missing', { attributes: without(2) }],
    ['empty signed attributes', 'signed-attribute-missing', { attributes: () => [] }],
    [
      'a second contentType',
      'signed-attribute-doubled',
      { attributes: also(attribute(oids.contentType, content(oids.signedData))) },
    ],
    [
      'a second messageDigest',
      'signed-attribute-doubled',
      { attributes: also(attribute(oids.messageDigest, derOctetString(Buffer.alloc(32)))) },
    ],
    [
      'a second signingTime',
      'signed-attribute-doubled',
      { attributes: also(attribute(oids.signingTime, utcTime('260216003829Z'))) },
    ],
    [
      'a messageDigest with two values',
      'malformed-signed-attributes',
      {
        attributes: (usual) =>
          usual.with(
            2,
            attribute(
              oids.messageDigest,
              derOctetString(Buffer.alloc(32)),
              derOctetString(Buffer.alloc(32)),
            ),
          ),
      },
    ],
    [
      'a messageDigest without a value',
      'malformed-signed-attributes',
      { attributes: replaced(2, attribute(oids.messageDigest)) },
    ],
    [
      'the digest of another document',
      'digest-mismatch',
      { attributes: replaced(2, attribute(oids.messageDigest, derOctetString(Buffer.alloc(32)))) },
    ],
    [
      'a digest cut to half',
      'digest-mismatch',
      { attributes: replaced(2, attribute(oids.messageDigest, derOctetString(Buffer.alloc(16)))) },
    ],
    [
      'another signed content type',
      'wrong-content-type',
      { attributes: replaced(0, attribute(oids.contentType, content(oids.signedData))) },
    ],
    [
      'a signing time that does not exist',
      'malformed-signed-attributes',
      { attributes: replaced(1, attribute(oids.signingTime, utcTime('260230003828Z'))) },
    ],
    [
      'signed attributes out of order',
      'malformed-signed-attributes',
      { keepOrder: true, attributes: (usual) => usual.toReversed() },
    ],
    [
      'signed attributes of indefinite length',
      'malformed-signed-attributes',
      {
        attributesElement: (usual) =>
          indefinite(0xa0, ...readBer(usual).children.map((c) => c.bytes)),
      },
    ],
    [
      'more signed attributes than there can be',
      'malformed-signed-attributes',
      {
        attributes: (usual) => [
          ...usual,
          ...Array.from({ length: 20 }, (_, n) => attribute(`1.2.3.${String(n)}`, nullElement)),
        ],
      },
    ],
    // Algorithms
    ['SHA-1 with the RSA key', 'wrong-algorithm', { digest: 'sha1' }],
    ['SHA-1 named for SHA-256', 'wrong-algorithm', { signatureOid: '1.2.840.113549.1.1.5' }],
    ['DSA named for RSA', 'wrong-algorithm', { signatureOid: oids.dsaWithSha1 }],
    [
      'parameters of a digest',
      'wrong-algorithm',
      { digestParameters: derOctetString(Buffer.of(1)) },
    ],
    [
      'two parameters of a digest',
      'wrong-algorithm',
      { digestParameters: Buffer.concat([nullElement, nullElement]) },
    ],
    [
      'parameters of a signature',
      'wrong-algorithm',
      { signatureParameters: derSequence(derUnsigned(1)) },
    ],
    [
      'a NULL with content',
      'wrong-algorithm',
      { signatureParameters: derElement(0x05, Buffer.of(0)) },
    ],
    [
      'a digest beside the one of the signer',
      'wrong-algorithm',
      { digests: (usual) => [usual, algorithm(sha512)] },
    ],
    [
      'a digest instead of the one of the signer',
      'wrong-algorithm',
      { digests: () => [algorithm(sha512)] },
    ],
    ['no digest at all', 'malformed-signed-data', { digests: () => [] }],
    [
      'parameters of a protected digest',
      'malformed-signed-attributes',
      {
        attributes: replaced(
          3,
          attribute(
            oids.algorithmProtection,
            derSequence(
              algorithm(oids.sha256, derOctetString(Buffer.of(1))),
              algorithm(oids.sha256WithRsa, 'null', 0xa1),
            ),
          ),
        ),
      },
    ],
    [
      'a protected digest with a NULL that has content',
      'wrong-algorithm',
      {
        attributes: replaced(
          3,
          attribute(
            oids.algorithmProtection,
            derSequence(
              algorithm(oids.sha256, derElement(0x05, Buffer.of(0))),
              algorithm(oids.sha256WithRsa, 'null', 0xa1),
            ),
          ),
        ),
      },
    ],
    [
      'a protected digest of another algorithm',
      'wrong-algorithm',
      {
        attributes: replaced(
          3,
          attribute(
            oids.algorithmProtection,
            derSequence(algorithm(sha512), algorithm(oids.sha256WithRsa, 'null', 0xa1)),
          ),
        ),
      },
    ],
    [
      'a protected signature of another algorithm',
      'wrong-algorithm',
      {
        attributes: replaced(
          3,
          attribute(
            oids.algorithmProtection,
            derSequence(algorithm(oids.sha256), algorithm(oids.rsaEncryption, 'null', 0xa1)),
          ),
        ),
      },
    ],
    // Structure
    ['enveloped data', 'not-signed-data', { outerType: '1.2.840.113549.1.7.3' }],
    ['signed data within signed data', 'wrong-content-type', { contentType: oids.signedData }],
    ['a detached blob', 'content-missing', { content: Buffer.alloc(0) }],
    [
      'content that is no OCTET STRING',
      'malformed-encoding',
      { content: derElement(0x0c, testDocument()) },
    ],
    ['another version', 'malformed-signed-data', { version: derUnsigned(3) }],
    ['another version of signer', 'malformed-signed-data', { signerVersion: derUnsigned(3) }],
    ['elements after the signers', 'malformed-signed-data', { afterSigners: [nullElement] }],
    ['elements after the signature', 'malformed-signed-data', { afterSignature: [nullElement] }],
  ]
  for (const [about, code, options] of attacks) {
    it(`refuses ${about}`, () => {
      expect(refusalOf(minted(options))).to.equal(code)
    })
  }

  it('refuses SHA-256 with the DSA key', () => {
    expect(refusalOf(minted({ form: 'pkcs7', digest: 'sha256' }))).to.equal('wrong-algorithm')
  })

  it('refuses the RSA-2048 key under the form that is for the DSA key', () => {
    const options = { digest: 'sha256', signatureOid: oids.sha256WithRsa } as const
    const signingKey = northRegion.keys.rsa2048
    const evidence = minted({ form: 'pkcs7', signingKey, ...options })
    expect(refusalOf(evidence)).to.equal('wrong-algorithm')
  })

  it('refuses a changed document beside a genuine blob, in both forms that have one', () => {
    const document = testDocument({ accountId: '999999999999' })
    for (const form of ['rsa2048', 'pkcs7'] as const) {
      const blob = mintBlob({ form })
      expect(refusalOf({ form, blob, document })).to.equal('document-mismatch')
      expect(refusalOf({ form, blob, document: testDocument() })).to.equal('accepted')
    }
  })

  it('hands out the content of the blob and not the document beside it', () => {
    const blob = mintBlob({ form: 'rsa2048' })
    const document = testDocument()
    const verdict = verifyIid({ form: 'rsa2048', blob, document }, keys)
    if (!verdict.ok) throw new Error(verdict.detail)
    document.fill(0x20)
    blob.fill(0)
    expect(verdict.raw).to.deep.equal(testDocument())
  })

  it('hands out a detached document as it was verified', () => {
    const evidence = { form: 'signature', ...signDetached() } as const
    const verdict = verifyIid(evidence, keys)
    if (!verdict.ok) throw new Error(verdict.detail)
    evidence.document.fill(0x20)
    expect(verdict.raw).to.deep.equal(testDocument())
  })

  it('refuses a content that is changed after it was signed', () => {
    const blob = mintBlob({
      form: 'rsa2048',
      document: testDocument({ accountId: '999999999999' }),
    })
    blob.write('123456789012', blob.indexOf('999999999999'))
    expect(refusalOf({ form: 'rsa2048', blob })).to.equal('digest-mismatch')
  })

  it('refuses a content and digest that are changed after they were signed', () => {
    const forged = mintBlob({
      form: 'rsa2048',
      document: testDocument({ accountId: '999999999999' }),
    })
    const genuine = mintBlob({ form: 'rsa2048' })
    // The genuine signature, the last thing before three end markers, under the forged attributes.
    genuine.copy(forged, forged.length - 6 - 256, genuine.length - 6 - 256, genuine.length - 6)
    expect(refusalOf({ form: 'rsa2048', blob: forged })).to.equal('signature-invalid')
  })

  it('refuses a byte after the end, and another blob after it', () => {
    const blob = mintBlob({ form: 'rsa2048' })
    for (const more of [Buffer.of(0), Buffer.from('\n'), blob]) {
      const evidence = { form: 'rsa2048', blob: Buffer.concat([blob, more]) } as const
      expect(refusalOf(evidence)).to.equal('trailing-bytes')
    }
  })

  it('refuses a blob cut off anywhere', () => {
    for (const lengths of ['definite', 'indefinite'] as const) {
      const blob = mintBlob({ form: 'rsa2048', lengths })
      const codes = new Set(
        Array.from(blob, (_, end) => refusalOf({ form: 'rsa2048', blob: blob.subarray(0, end) })),
      )
      expect([...codes]).to.deep.equal(['truncated'])
    }
  })

  it('refuses an oversized blob, document and signature', () => {
    const large = testDocument({ note: 'x'.repeat(16 * 1024) })
    expect(refusalOf(minted({ document: large }))).to.equal('too-large')
    expect(refusalOf({ form: 'signature', ...signDetached(large) })).to.equal('too-large')
    const { document, signature } = signDetached()
    const padded = Buffer.concat([signature, Buffer.alloc(4096)])
    expect(refusalOf({ form: 'signature', document, signature: padded })).to.equal('too-large')
  })

  it('refuses content nested or broken up beyond all reason', () => {
    let nested = derOctetString(testDocument())
    for (let level = 0; level < 20; level++) nested = indefinite(0x24, nested)
    expect(refusalOf(minted({ content: nested }))).to.equal('too-deep')
    const crumbs = Array.from(testDocument(), (byte) => derOctetString(Buffer.of(byte)))
    const crumbled = indefinite(0x24, ...crumbs, ...crumbs)
    expect(refusalOf(minted({ content: crumbled }))).to.equal('too-many-elements')
  })

  it('refuses a bare signature of another key, of another document, cut off or empty', () => {
    const { document, signature } = signDetached()
    const other = signDetached(testDocument({ instanceId: 'i-0c5541936caf78c13' }))
    for (const wrong of [
      other.signature,
      signature.subarray(1),
      Buffer.concat([signature, Buffer.of(0)]),
      Buffer.alloc(0),
      Buffer.alloc(128),
      Buffer.alloc(128, 0xff),
    ]) {
      const evidence = { form: 'signature', document, signature: wrong } as const
      expect(refusalOf(evidence)).to.equal('signature-invalid')
    }
    expect(refusalOf({ form: 'signature', document: other.document, signature })).to.equal(
      'signature-invalid',
    )
  })
})

describe('verifyIid() and regions', () => {
  const onlyNorth = testIidKeys([northRegion])

  it('says that a region is not known, and how to add it', () => {
    const verdict = verifyIid(mintIid('rsa2048', {}, southRegion), onlyNorth)
    if (verdict.ok) throw new Error('accepted')
    expect(verdict.code).to.equal('unknown-region')
    expect(verdict.detail).to.equal(
      'the document says region "test-south-1", for which no AWS key is pinned; docs/aws-iid-keys.md tells how to add one',
    )
  })

  it('does not try the key of another region, though it is the same', () => {
    expect(refusalOf(mintIid('signature', {}, southRegion), onlyNorth)).to.equal('unknown-region')
  })

  it('does not try the key of another form', () => {
    const onlyRsa = testIidKeys([northRegion], ['rsa2048'])
    expect(refusalOf(mintIid('pkcs7'), onlyRsa)).to.equal('no-key-for-form')
    expect(refusalOf(mintIid('signature'), onlyRsa)).to.equal('no-key-for-form')
  })

  for (const region of [
    undefined,
    null,
    '',
    '*',
    'US-EAST-1',
    'a'.repeat(40),
    '../test-north-1',
    ['test-north-1'],
  ]) {
    it(`refuses a document whose region is ${JSON.stringify(region)}`, () => {
      expect(refusalOf(mintIid('rsa2048', { region }))).to.equal('region-missing')
    })
  }

  it('refuses a document that names a region deeper down than its own', () => {
    const document = testDocument({ accountId: '123456789012', region: undefined })
    const text = document.toString().replace('{', `{ "x": { "region": "test-north-1" },`)
    const lying = Buffer.from(text.replace(/\}$/, ', "region": "test-south-1" }'))
    // Chosen by the first region it names, the key is north's; what is signed says south.
    expect(refusalOf(minted({ document: lying }))).to.equal('region-mismatch')
  })
})

describe('verifyIid() and the JSON that was signed', () => {
  const signed = (text: string): IidRefusal | 'accepted' =>
    refusalOf(minted({ document: Buffer.from(text, 'latin1') }))
  const usual = testDocument().toString()

  it('refuses a name that is there twice', () => {
    for (const name of ['"accountId"', '"account\\u0049d"']) {
      const twice = usual.replace('{', `{ ${name} : "999999999999",`)
      expect(signed(twice)).to.equal('document-name-doubled')
    }
    const region = usual.replace('{', '{ "region" : "test-north-1",')
    expect(signed(region)).to.equal('document-name-doubled')
  })

  for (const [about, text] of [
    ['an array', `[${usual}]`],
    ['a text', JSON.stringify('"region":"test-north-1"').replaceAll('\\', '')],
    ['a comment', usual.replace('{', '{ // so')],
    ['a trailing comma', usual.replace(/\n\}$/, ',\n}')],
    ['something after the end', `${usual} {}`],
    ['a byte order mark', `\u00ef\u00bb\u00bf${usual}`],
    ['bytes that are not UTF-8', usual.replace('arm64', 'arm\u00ff')],
    ['a NUL', usual.replace('arm64', 'arm\u0000')],
    ['nesting without end', usual.replace('{', `{ "x": ${'['.repeat(40)}${']'.repeat(40)},`)],
  ] as const) {
    it(`refuses ${about}`, () => {
      expect(signed(text)).to.equal('document-malformed')
    })
  }
})
