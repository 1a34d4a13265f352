import { expect } from 'chai'
import { readInstanceAttributes, type Imds } from '../../../src/aws/index.ts'

const { signal } = new AbortController()

/** A service that has this below /latest/meta-data/, and notes what it was asked for. */
function serving(content: Readonly<Record<string, string>>): Imds & { readonly asked: string[] } {
  const asked: string[] = []
  return {
    asked,
    read: async (path) => {
      asked.push(path)
      const body = content[path.replace('/latest/meta-data/', '')]
      return body === undefined ? undefined : Buffer.from(body)
    },
  }
}

const usual = {
  'ami-launch-index': '0',
  'local-ipv4': '10.0.1.242',
  mac: '02:29:96:8f:6a:2d',
  hostname: 'ip-10-0-1-242.ec2.internal',
  'instance-action': 'none',
  'reservation-id': 'r-0123456789abcdef0',
}

describe('readInstanceAttributes()', () => {
  it('reads the imds family, all of it observed', async () => {
    const { attributes, unusable } = await readInstanceAttributes(serving(usual), signal)
    expect(attributes.map(({ key, value }) => `${key}=${value}`)).to.deep.equal([
      'imds.launch-index=0',
      'imds.local-ipv4=10.0.1.242',
      'imds.mac=02:29:96:8f:6a:2d',
      'imds.hostname=ip-10-0-1-242.ec2.internal',
      'imds.instance-action=none',
      'imds.reservation-id=r-0123456789abcdef0',
    ])
    expect(new Set(attributes.map(({ provenance }) => provenance))).to.deep.equal(
      new Set(['observed']),
    )
    expect(unusable).to.deep.equal([])
  })

  it('leaves out what the instance does not have', async () => {
    const { attributes } = await readInstanceAttributes(serving({ mac: usual.mac }), signal)
    expect(attributes.map(({ key }) => key)).to.deep.equal(['imds.mac'])
  })

  it('reads tags where the instance shows them, with keys in lower case', async () => {
    const imds = serving({
      'tags/instance': 'Name\nname\naws:autoscaling:groupName\nempty',
      'tags/instance/Name': 'web 1',
      'tags/instance/name': 'web 2',
      'tags/instance/aws:autoscaling:groupName': 'web',
      'tags/instance/empty': '',
    })
    const { attributes } = await readInstanceAttributes(imds, signal)
    expect(attributes.map(({ key, value }) => `${key}=${value}`)).to.deep.equal([
      'imds.tag.name=web 1',
      'imds.tag.name=web 2',
      'imds.tag.aws:autoscaling:groupname=web',
      'imds.tag.empty=',
    ])
  })

  it('asks for no path that a tag key would make of it', async () => {
    const listing = ['..', '.', 'a/b', '../../dynamic', 'a b', 'a%2fb', 'a?b', 'a\rb', 'ä']
    const imds = serving({ 'tags/instance': listing.join('\n') })
    const { attributes, unusable } = await readInstanceAttributes(imds, signal)
    expect(attributes).to.deep.equal([])
    expect(unusable).to.have.lengthOf(listing.length)
    expect(imds.asked.filter((path) => path.includes('tags/instance/'))).to.deep.equal([])
  })

  it('asks for no more tags than an instance can have', async () => {
    const listing = Array.from({ length: 1_000 }, (_, at) => `tag${String(at)}`)
    const imds = serving({ 'tags/instance': listing.join('\n') })
    const { unusable } = await readInstanceAttributes(imds, signal)
    expect(imds.asked.filter((path) => path.includes('tags/instance/'))).to.have.lengthOf(64)
    expect(unusable).to.have.lengthOf(1_000 - 64)
  })

  it('tells which values cannot be attributes', async () => {
    const content = { ...usual, hostname: 'a\nb', 'reservation-id': 'r'.repeat(513) }
    const { attributes, unusable } = await readInstanceAttributes(serving(content), signal)
    expect(attributes).to.have.lengthOf(4)
    expect(unusable.map(({ key }) => key)).to.deep.equal(['imds.hostname', 'imds.reservation-id'])
  })

  it('throws what the service throws', async () => {
    const imds: Imds = { read: () => Promise.reject(new Error('gone')) }
    const failure = await readInstanceAttributes(imds, signal).catch((error: unknown) => error)
    expect(failure).to.be.an('error').with.property('message', 'gone')
  })
})
