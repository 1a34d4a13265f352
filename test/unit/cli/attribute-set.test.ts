import { expect } from 'chai'
import { parseAttributeSet, parseEnd } from '../../../src/cli/attribute-set.ts'
import { CliError } from '../../../src/cli/failure.ts'

describe('parseEnd()', () => {
  for (const text of [
    'web',
    '0123456789abcdef0123456789abcdef',
    'spiffe://acme.example/ns/a/workload/web',
  ]) {
    it(`takes ${text} as a workload`, () => {
      expect(parseEnd(text)).to.deep.equal({ kind: 'workload', workload: text })
    })
  }

  it('takes external: with a name for an external service', () => {
    expect(parseEnd('external:office')).to.deep.equal({ kind: 'external', external: 'office' })
    expect(() => parseEnd('external:')).to.throw('external service')
  })

  it('takes anything with an equals sign as attributes', () => {
    expect(parseEnd('label.app=web')).to.deep.equal({
      kind: 'attributes',
      attributes: [{ key: 'label.app', value: 'web', provenance: 'assigned' }],
    })
  })

  it('refuses an empty text', () => {
    expect(() => parseEnd(''))
      .to.throw(CliError)
      .with.property('code', 'ERR_USAGE')
  })
})

describe('parseAttributeSet()', () => {
  it('gives each attribute the provenance of its family', () => {
    expect(
      parseAttributeSet('aws.account=1,aws.tag.team=x,label.app=web,os.uid=0,app.mode=a').map(
        ({ provenance }) => provenance,
      ),
    ).to.deep.equal(['signed', 'described', 'assigned', 'observed', 'claimed'])
  })

  it('takes another provenance where it is typed', () => {
    expect(parseAttributeSet('label.app@observed=web')).to.deep.equal([
      { key: 'label.app', value: 'web', provenance: 'observed' },
    ])
  })

  it('keeps an escaped comma and later equals signs in the value', () => {
    expect(parseAttributeSet('label.a=x\\,y=z,label.b=').map(({ value }) => value)).to.deep.equal([
      'x,y=z',
      '',
    ])
  })

  for (const [text, reason] of [
    ['=web', 'expected key=value'],
    ['label.app', 'expected key=value'],
    ['label.a=1,', 'expected key=value'],
    ['Label.App=web', 'dotted lower-case'],
    ['label.app=a\u0007b', 'without control characters'],
    ['label.app@sworn=web', 'expected a provenance'],
    ['nobody.sets=this', 'nothing sets it'],
  ] as const) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      expect(() => parseAttributeSet(text))
        .to.throw(CliError, reason)
        .with.property('code', 'ERR_USAGE')
    })
  }
})
