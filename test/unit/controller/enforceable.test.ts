import { expect } from 'chai'
import { sendableTo } from '../../../src/controller/mesh/enforceable.ts'
import { isDecisive, parseDocuments } from '../../../src/policy/index.ts'

const sent = (spec: object, schemaVersion: number) => {
  const ends = { from: {}, to: { 'label.app': 'db' }, ports: ['tcp/80'] }
  const text = JSON.stringify([{ kind: 'NetworkPolicy', name: 'p', spec: { ...ends, ...spec } }])
  return sendableTo(schemaVersion, parseDocuments(text).filter(isDecisive)).documents
}

describe('sendableTo()', () => {
  it('leaves out an allow that is too new, and sends nothing rather than without a deny', () => {
    expect(sent({ action: 'allow', when: 'port == 1' }, 1)).to.deep.equal([])
    expect(sent({ action: 'deny', when: 'port == 1' }, 1)).to.equal(undefined)
  })

  it('sends nothing rather than without http rules, allows included: they guard headers as well', () => {
    const http = [{ paths: ['/a'] }]
    expect(sent({ action: 'allow', http }, 3)).to.equal(undefined)
    expect(sent({ action: 'deny', http }, 3)).to.equal(undefined)
    expect(sent({ action: 'allow', http }, 4)).to.have.length(1)
  })
})
