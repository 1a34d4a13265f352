import { hash } from 'node:crypto'
import { expect } from 'chai'
import { requestText } from '../../../src/controller/audit/request-text.ts'

describe('requestText()', () => {
  it('leaves out what is at its default, and sorts what is left', () => {
    const request = { workload: 'web', remove: [], set: [{ key: 'app', value: 'web' }], limit: 0 }
    expect(requestText(request)).to.equal('{"set":[{"key":"app","value":"web"}],"workload":"web"}')
    expect(requestText({ a: '', b: null, c: false })).to.equal('{}')
  })

  for (const name of ['secret', 'password', 'token', 'joinToken', 'privateKey', 'clientSecret']) {
    it(`leaves out the value of ${name}, however deep`, () => {
      const text = requestText({ list: [{ [name]: 'hunter2' }], [name]: { inner: 'hunter2' } })
      expect(text).to.not.contain('hunter2')
      expect(text).to.contain('[left out]')
    })
  }

  it('keeps long texts and bytes as their length and hash', () => {
    const text = requestText({ text: 'x'.repeat(5_000), csr: Buffer.alloc(300) })
    expect(JSON.parse(text)).to.deep.equal({
      csr: { bytes: 300, sha256: hash('sha256', Buffer.alloc(300)) },
      text: { characters: 5_000, sha256: hash('sha256', 'x'.repeat(5_000)) },
    })
  })

  it('counts the items of a long list that it does not keep', () => {
    const labels = Array.from({ length: 100 }, (_none, index) => String(index + 1))
    const { list } = JSON.parse(requestText({ list: labels })) as { list: unknown[] }
    expect(list).to.have.length(65)
    expect(list.at(-1)).to.deep.equal({ more: 36 })
  })
})
