import { expect } from 'chai'
import {
  checkKey,
  checkValue,
  familyOf,
  isAtLeast,
  matchesPattern,
  provenances,
  sidecarProvenance,
  weakest,
} from '../../../src/identity/attributes.ts'
import { families } from '../../../src/identity/families.ts'
import { expectIdentityError } from '../../support/expect-identity-error.ts'

describe('provenance', () => {
  it('is ordered from claimed to signed', () => {
    expect(isAtLeast('signed', 'claimed')).to.equal(true)
    expect(isAtLeast('assigned', 'assigned')).to.equal(true)
    expect(isAtLeast('claimed', 'observed')).to.equal(false)
    for (const [rank, provenance] of provenances.entries()) {
      const weaker = provenances.slice(0, rank + 1)
      expect(provenances.filter((need) => isAtLeast(provenance, need))).to.deep.equal(weaker)
    }
  })

  it('of a derived value is the weakest it came from', () => {
    expect(weakest('signed', 'observed')).to.equal('observed')
    expect(weakest('claimed', 'described')).to.equal('claimed')
  })
})

describe('checkKey()', () => {
  const right = [
    'label.app',
    'aws.image-id',
    'aws.tag.aws:stack',
    'k8s.label.a.io/name',
    'env.path_x',
  ]
  const wrong = ['', 'label', 'label.', '.app', 'label..app', 'Label.app', 'label.App', 'label.a b']
  const alsoWrong = ['label.*', 'label.a@signed', 'label.-a', 'label.a-', 'label.é', 'label.a\n']

  it('accepts dotted lower-case keys', () => {
    expect(right.map(checkKey)).to.deep.equal(right)
    expect(checkKey(`label.${'x'.repeat(122)}`)).to.have.length(128)
  })
  for (const key of [...wrong, ...alsoWrong, `label.${'x'.repeat(123)}`]) {
    it(`refuses ${JSON.stringify(key.slice(0, 20))}`, () => {
      expectIdentityError('ERR_ATTRIBUTE_KEY', () => checkKey(key))
    })
  }
})

describe('checkValue()', () => {
  it('accepts 512 bytes of UTF-8, and nothing at all', () => {
    for (const value of ['', 'x'.repeat(512), 'é'.repeat(256), '😀'.repeat(128), ' ']) {
      expect(checkValue(value)).to.equal(value)
    }
  })
  const wrong = [
    'x'.repeat(513),
    'é'.repeat(257),
    '\ud800',
    'a\u0000',
    '\u001b[31m',
    'a\r\n',
    '\u007f',
  ]
  for (const value of wrong) {
    it(`refuses ${JSON.stringify(value.slice(0, 10))} (${String(value.length)})`, () => {
      expectIdentityError('ERR_ATTRIBUTE_VALUE', () => checkValue(value))
    })
  }
})

describe('attribute families', () => {
  const bySource: Record<string, string> = {
    'aws.account': 'signed',
    'aws.tag.role': 'described',
    'aws.tag.a.b.c': 'described',
    'aws.role': 'described',
    'imds.tag.role': 'observed',
    'os.exe-sha256': 'observed',
    'os.cmdline': 'claimed',
    'docker.label.com.example.x': 'observed',
    'k8s.namespace': 'described',
    'k8s.label.app': 'observed',
    'label.app': 'assigned',
    'app.version': 'claimed',
    'env.stage': 'claimed',
  }
  for (const [key, provenance] of Object.entries(bySource)) {
    it(`finds ${key}, ${provenance} by its source`, () => {
      expect(familyOf(key)?.provenance).to.equal(provenance)
    })
  }

  it('are each listed once', () => {
    expect(new Set(families.map(({ key }) => key)).size).to.equal(families.length)
  })

  it('leave no room for keys that nobody can vouch for', () => {
    for (const key of [
      'aws.accounts',
      'aws.tag',
      'aws.tag.*',
      'label',
      'os.exe.x',
      'foo.bar',
      'vuln.x',
    ]) {
      expect(familyOf(key), key).to.equal(undefined)
    }
  })

  it('keep a sidecar from setting what is not its own to see', () => {
    const foreign = [
      'aws.account',
      'aws.tag.x',
      'vuln.state',
      'label.app',
      'k8s.namespace',
      'foo.bar',
    ]
    for (const key of foreign) expect(sidecarProvenance(key), key).to.equal(undefined)
    expect(sidecarProvenance('os.uid')).to.equal('observed')
    expect(sidecarProvenance('app.x')).to.equal('claimed')
  })

  it('never let a sidecar have more than observed', () => {
    const own = families.filter(({ bySidecar }) => bySidecar)
    expect(own.filter(({ provenance }) => isAtLeast(provenance, 'assigned'))).to.deep.equal([])
  })
})

describe('matchesPattern()', () => {
  it('matches a whole key, or a family with its dot', () => {
    expect(matchesPattern('label.app', 'label.*')).to.equal(true)
    expect(matchesPattern('image.type', 'image.type')).to.equal(true)
    for (const key of ['label', 'labels.app', 'aws.label.app']) {
      expect(matchesPattern(key, 'label.*'), key).to.equal(false)
    }
    expect(matchesPattern('image.type.x', 'image.type')).to.equal(false)
  })
})
