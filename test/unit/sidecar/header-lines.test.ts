import { expect } from 'chai'
import {
  forwardedLines,
  forwardedTrailers,
  headerLines,
} from '../../../src/sidecar/http/header-lines.ts'

const ours = [
  'X-Forwarded-Client-Cert',
  'x_forwarded_client_cert',
  'X-Forwarded_Client-Cert',
  'Workload-Identity-Token',
  'WORKLOAD_PROOF_TOKEN',
]

describe('forwardedLines()', () => {
  for (const name of ours) {
    it(`leaves out ${name}, which only a sidecar may say`, () => {
      const lines = headerLines(['Host', 'a', name, 'URI=spiffe://forged', 'X-A', 'b'])
      expect([...forwardedLines(lines).keys()]).to.deep.equal(['host', 'x-a'])
    })
  }

  it('leaves out what is about one connection', () => {
    const raw = ['Connection', 'keep-alive', 'Keep-Alive', '5', 'TE', 'trailers', 'Expect', 'x']
    const more = ['Upgrade', 'h2c', 'HTTP2-Settings', 'x', 'Proxy-Connection', 'x', 'X-A', 'b']
    expect([...forwardedLines(headerLines([...raw, ...more]))]).to.deep.equal([['x-a', ['b']]])
  })

  it('keeps each line of a header, in order', () => {
    const lines = headerLines(['Cookie', 'a', 'X', '1', 'cookie', 'b'])
    expect([...forwardedLines(lines)]).to.deep.equal([
      ['cookie', ['a', 'b']],
      ['x', ['1']],
    ])
  })
})

describe('forwardedTrailers()', () => {
  it('keeps each line', () => {
    expect(forwardedTrailers(['X-Sum', '1', 'x-sum', '2'])).to.deep.equal([
      ['x-sum', '1'],
      ['x-sum', '2'],
    ])
  })

  for (const name of [
    ...ours,
    'Host',
    'Content-Length',
    'content_length',
    'Cookie',
    'Connection',
  ]) {
    it(`leaves out ${name}`, () => {
      expect(forwardedTrailers([name, 'x'])).to.deep.equal([])
    })
  }
})
