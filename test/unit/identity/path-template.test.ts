import { expect } from 'chai'
import type { Attribute } from '../../../src/identity/attributes.ts'
import {
  defaultPathTemplate,
  escapeSegment,
  parsePathTemplate,
  renderPath,
} from '../../../src/identity/path-template.ts'
import { createProfile } from '../../../src/identity/profile.ts'
import { expectIdentityError } from '../../support/expect-identity-error.ts'

const render = (template: string, name: string, attributes: readonly Attribute[] = []): string =>
  renderPath(parsePathTemplate(template), { name, profile: createProfile(attributes).profile })

const assigned = (key: string, value: string): Attribute => ({ key, value, provenance: 'assigned' })

describe('parsePathTemplate()', () => {
  const wrong: Record<string, string> = {
    'an empty text': '',
    'a path without a leading slash': 'ns/<name>',
    'an empty segment': '/ns//<name>',
    'a trailing slash': '/ns/',
    'a dot segment': '/../<name>',
    'a character no path may have': '/a b/<name>',
    'percent-encoding': '/a%2f/<name>',
    'two slots in one segment': '/<label.ns>-<name>',
    'an open slot': '/ns/<name',
    'an empty slot': '/ns/<>',
    'a slot that is no key': '/ns/<Label.App>',
    'a default that is no part of a path': '/ns/<label.ns or "a/b">',
    'an empty default': '/ns/<label.ns or "">',
    'an address, which changes': '/ip/<aws.private-ip>',
    'a reserved path': '/blazon/<name>',
    'the reserved root': '/blazon',
    'far too many slashes, at once': '/'.repeat(4_000_000),
    'more than 1024 characters': `/${'x'.repeat(1024)}`,
  }
  for (const [what, text] of Object.entries(wrong)) {
    it(`refuses ${what}`, () => {
      expectIdentityError('ERR_PATH_TEMPLATE', () => parsePathTemplate(text))
    })
  }
})

describe('renderPath()', () => {
  it('fills in the default template', () => {
    expect(render(defaultPathTemplate, 'web')).to.equal('/ns/default/workload/web')
    const path = render(defaultPathTemplate, 'web', [assigned('label.ns', 'shop')])
    expect(path).to.equal('/ns/shop/workload/web')
  })

  it('takes keys with a slash and text around a slot', () => {
    const attributes = [assigned('label.app.kubernetes.io/name', 'web')]
    const template = '/app/v1.<label.app.kubernetes.io/name>-x/<name>'
    expect(render(template, 'a', attributes)).to.equal('/app/v1.web-x/a')
  })

  it('escapes what would be another segment, a parent, or another value', () => {
    const escaped: Record<string, string> = {
      'a/b': 'a_2fb',
      '..': '_2e_2e',
      '.': '_2e',
      'v1.2': 'v1.2',
      a_b: 'a_5fb',
      'a%2fb': 'a_252fb',
      é: '_c3_a9',
      '../../blazon/controller': '.._2f.._2fblazon_2fcontroller',
    }
    for (const [value, segment] of Object.entries(escaped)) {
      expect(escapeSegment(value)).to.equal(segment)
      expect(render('/w/<name>', value)).to.equal(`/w/${segment}`)
    }
  })

  it('refuses a value that spells the reserved path', () => {
    expectIdentityError('ERR_RESERVED_PATH', () => render('/<name>', 'blazon'))
    expectIdentityError('ERR_RESERVED_PATH', () => render('/<name>/controller', 'blazon'))
    expectIdentityError('ERR_RESERVED_PATH', () => render('/bl<name>/controller', 'azon'))
    expectIdentityError('ERR_RESERVED_PATH', () =>
      render('/<label.ns or "blazon">/controller', 'x'),
    )
  })

  for (const provenance of ['claimed', 'observed'] as const) {
    it(`refuses a ${provenance} value`, () => {
      const attributes: Attribute[] = [{ key: 'app.ns', value: 'shop', provenance }]
      expectIdentityError('ERR_PATH_VALUE', () => render('/<app.ns or "x">/a', 'web', attributes))
    })
  }

  it('refuses a key that is absent, has several values or an empty one', () => {
    const two = [assigned('label.ns', 'a'), assigned('label.ns', 'b')]
    expectIdentityError('ERR_PATH_VALUE', () => render('/<label.ns>/a', 'web'))
    expectIdentityError('ERR_PATH_VALUE', () => render('/<label.ns>/a', 'web', two))
    expectIdentityError('ERR_PATH_VALUE', () =>
      render('/<label.ns>/a', 'web', [assigned('label.ns', '')]),
    )
    expectIdentityError('ERR_PATH_VALUE', () => render('/<name>', ''))
  })

  it('refuses a name that is no attribute value', () => {
    expectIdentityError('ERR_ATTRIBUTE_VALUE', () => render('/w/<name>', 'a\nb'))
    expectIdentityError('ERR_ATTRIBUTE_VALUE', () => render('/w/<name>', '\ud800'))
  })
})
