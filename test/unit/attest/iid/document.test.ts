import { expect } from 'chai'
import { documentAttributes } from '../../../../src/attest/iid/document-attributes.ts'
import { claimedRegion, readDocument } from '../../../../src/attest/iid/document.ts'
import { Refusal } from '../../../../src/attest/iid/refusal.ts'
import { familyOf } from '../../../../src/identity/index.ts'
import { expectError } from '../../../support/expect-error.ts'
import { testDocument } from '../../../support/test-iid.ts'

const refused = (fields: Readonly<Record<string, unknown>>): void => {
  expectError(() => readDocument(testDocument(fields)), Refusal, 'document-field')
}

describe('readDocument()', () => {
  for (const name of [
    'accountId',
    'architecture',
    'availabilityZone',
    'imageId',
    'instanceId',
    'instanceType',
    'pendingTime',
    'region',
    'version',
  ]) {
    for (const value of [undefined, null, '', 7, ['a'], {}, ' ', 'a\u0000b', 'x'.repeat(200)]) {
      it(`refuses ${name}: ${JSON.stringify(value) || 'nothing'}`.slice(0, 60), () => {
        refused({ [name]: value })
      })
    }
  }

  for (const [name, value] of [
    ['accountId', '12345678901'],
    ['accountId', '1234567890123'],
    ['accountId', '12345678901a'],
    ['accountId', '１２３４５６７８９０１２'],
    ['accountId', 123456789012],
    ['instanceId', 'i-0c5541936caf78c1'],
    ['instanceId', 'i-0C5541936CAF78C12'],
    ['instanceId', 'x-0c5541936caf78c12'],
    ['instanceId', 'i-0c5541936caf78c12\n'],
    ['imageId', 'ami-'],
    ['instanceType', 't4gsmall'],
    ['instanceType', '../t4g.small'],
    ['region', 'test-north-1\n'],
    ['region', 'TEST-NORTH-1'],
    ['pendingTime', '2026-02-16 00:38:27Z'],
    ['pendingTime', '2026-02-16T00:38:27'],
    ['pendingTime', '2026-02-16T00:38:27+00:00'],
    ['pendingTime', '2026-02-16T00:38:27.000Z'],
    ['pendingTime', '2026-02-30T00:38:27Z'],
    ['pendingTime', '2026-02-16T24:00:00Z'],
    ['pendingTime', '2026-13-16T00:38:27Z'],
    ['version', '2017'],
    ['privateIp', '10.0.1'],
    ['privateIp', '10.0.1.242, 10.0.1.243'],
    ['privateIp', 167772417],
    ['privateIp', ['10.0.1.242']],
    ['kernelId', 'ami-12345678'],
    ['kernelId', ''],
    ['ramdiskId', 7],
    ['billingProducts', 'bp-6fa54006'],
    ['billingProducts', [null]],
    ['billingProducts', ['']],
    ['billingProducts', ['a b']],
    ['billingProducts', Array.from({ length: 33 }, (_, n) => `bp-${String(n)}`)],
    ['marketplaceProductCodes', { code: 'x' }],
    ['marketplaceProductCodes', [['x']]],
    ['devpayProductCodes', 'x'],
  ] as const) {
    it(`refuses ${name}: ${JSON.stringify(value)}`.slice(0, 70), () => {
      refused({ [name]: value })
    })
  }

  it('tolerates fields that it does not know', () => {
    const document = readDocument(testDocument({ hostname: { deep: [1, null] } }))
    expect(document.accountId).to.equal('123456789012')
  })

  it('does not take a field from the prototype of an object', () => {
    const text = testDocument({ accountId: undefined }).toString()
    const document = text.replace('{', '{ "__proto__": { "accountId": "123456789012" },')
    expectError(() => readDocument(Buffer.from(document)), Refusal, 'document-field')
  })

  for (const [about, fields] of [
    ['an old instance id', { instanceId: 'i-0c554193' }],
    ['an old image id', { imageId: 'ami-06af7f66' }],
    ['a local zone', { availabilityZone: 'us-west-2-lax-1a' }],
    ['a wavelength zone', { availabilityZone: 'us-east-1-wl1-bos-wlz-1' }],
    ['a region of a government partition', { region: 'us-gov-west-1' }],
    ['the European sovereign region', { region: 'eusc-de-east-1' }],
    ['an isolated region', { region: 'us-isob-east-1' }],
    ['a metal instance type', { instanceType: 'u-6tb1.112xlarge' }],
    ['a Mac', { instanceType: 'mac2-m2pro.metal', architecture: 'arm64_mac' }],
    ['a private IPv6 address', { privateIp: 'fd00::1' }],
    [
      'the document version without marketplace codes',
      { version: '2010-08-31', marketplaceProductCodes: undefined },
    ],
    ['a kernel and a ramdisk', { kernelId: 'aki-12345678', ramdiskId: 'ari-12345678' }],
    [
      'fields that may be missing',
      {
        kernelId: undefined,
        ramdiskId: undefined,
        billingProducts: undefined,
        devpayProductCodes: undefined,
      },
    ],
  ] as const) {
    it(`accepts ${about}`, () => {
      expect(readDocument(testDocument(fields)).version).to.match(/^20/)
    })
  }
})

describe('documentAttributes()', () => {
  const attributesOf = (fields: Readonly<Record<string, unknown>>): Record<string, string[]> => {
    const attributes = documentAttributes(readDocument(testDocument(fields)))
    expect(attributes.every(({ provenance }) => provenance === 'signed')).to.be.true
    const byKey = Map.groupBy(attributes, ({ key }) => key)
    return Object.fromEntries(
      Array.from(byKey, ([key, list]) => [key, list.map(({ value }) => value)]),
    )
  }

  it('makes one of each field that has a value', () => {
    const attributes = attributesOf({
      kernelId: 'aki-12345678',
      ramdiskId: 'ari-12345678',
      billingProducts: ['bp-6fa54006', 'bp-6ba54002'],
      marketplaceProductCodes: ['6fkkoz8bvvivlw9y4dp1', 'abc'],
    })
    expect(attributes).to.deep.equal({
      'aws.account': ['123456789012'],
      'aws.region': ['test-north-1'],
      'aws.zone': ['test-north-1a'],
      'aws.image-id': ['ami-0cbde744623b7506b'],
      'aws.instance-id': ['i-0c5541936caf78c12'],
      'aws.instance-type': ['t4g.small'],
      'aws.architecture': ['arm64'],
      'aws.private-ip': ['10.0.1.242'],
      'aws.pending-time': ['2026-02-16T00:38:27Z'],
      'aws.version': ['2017-09-30'],
      'aws.kernel-id': ['aki-12345678'],
      'aws.ramdisk-id': ['ari-12345678'],
      'aws.billing-products': ['bp-6fa54006', 'bp-6ba54002'],
      'aws.marketplace-product-codes': ['6fkkoz8bvvivlw9y4dp1', 'abc'],
    })
  })

  it('leaves out what the instance does not have', () => {
    const keys = Object.keys(attributesOf({ privateIp: '' }))
    for (const none of ['private-ip', 'kernel-id', 'ramdisk-id', 'billing-products']) {
      expect(keys).to.not.include(`aws.${none}`)
    }
  })

  it('has keys of families that a signed document may set', () => {
    for (const key of Object.keys(attributesOf({ billingProducts: ['bp-1'] }))) {
      expect(familyOf(key)?.provenance).to.equal('signed')
      expect(familyOf(key)?.bySidecar).to.equal(false)
    }
  })
})

describe('claimedRegion()', () => {
  for (const [text, region] of [
    ['{"region":"a-b-1"}', 'a-b-1'],
    ['{"region" : "a-b-1"}', 'a-b-1'],
    ['{"region"\n:\n"a-b-1"}', 'a-b-1'],
    ['{"region":""}', ''],
    ['{"region":7}', undefined],
    ['{"region":"a', undefined],
    ['{"regio\\u006e":"a-b-1"}', undefined],
    ['', undefined],
  ] as const) {
    it(`sees ${region ?? 'none'} in ${JSON.stringify(text)}`, () => {
      expect(claimedRegion(Buffer.from(text))).to.equal(region)
    })
  }
})
