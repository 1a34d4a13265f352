import { expect } from 'chai'
import { sendableServices, sendableTo } from '../../../src/controller/mesh/enforceable.ts'
import { isDecisive, parseDocuments, type ExternalService } from '../../../src/policy/index.ts'

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

  it('sends nothing rather than without an allow that asks for encryption of what is relayed', () => {
    expect(sent({ action: 'allow', relay: 'trusted' }, 4)).to.equal(undefined)
    expect(sent({ action: 'allow', relay: 'trusted' }, 5)).to.have.length(1)
  })
})

describe('sendableTo() with datagrams', () => {
  const to = { external: {} }
  const ports = ['udp/53', 'tcp/53']

  it('leaves out what is about them alone, or an allow', () => {
    expect(sent({ to, ports, action: 'allow', encryption: 'optional' }, 5)).to.deep.equal([])
    expect(sent({ to, ports: ['udp/53', 'icmp'], action: 'deny' }, 5)).to.deep.equal([])
  })

  it('sends nothing rather than without a deny of TCP beside them', () => {
    expect(sent({ to, ports, action: 'deny' }, 5)).to.equal(undefined)
    expect(sent({ to, ports, action: 'deny' }, 6)).to.have.length(1)
  })
})

describe('sendableServices()', () => {
  const services = parseDocuments(`
kind: ExternalService
name: world
spec: { cidrs: [0.0.0.0/0] }
---
kind: ExternalService
name: office
spec: { cidrs: [203.0.113.0/24], expires: 2030-01-01T00:00:00Z }
`) as ExternalService[]
  const sent = (schemaVersion: number, ...specs: readonly object[]) => {
    const documents = specs.map((spec, at) => ({
      kind: 'action' in spec ? 'NetworkPolicy' : 'Guardrail',
      name: `p${String(at)}`,
      spec,
    }))
    const policies = parseDocuments(JSON.stringify(documents)).filter(isDecisive)
    const found = sendableServices(schemaVersion, services, policies)
    return { ...found, services: found.services?.map(({ name }) => name) }
  }
  const from = { 'label.app': 'web' }
  const allow = { from, to: { external: {} }, action: 'allow', encryption: 'optional' }
  const encrypted = { to: { external: { name: 'office' } }, encryption: 'required' }
  const denied = (name: string) => ({ from, to: { external: { name } }, action: 'deny' })

  it('leaves out one that is too new where policies only open it, and says so', () => {
    expect(sent(5, allow)).to.deep.equal({ services: ['world', 'office'], shortfall: '' })
    expect(sent(4, allow)).to.deep.equal({
      services: ['world'],
      shortfall: 'schema version 4 is too old for ExternalService office (needs 5)',
    })
    expect(sent(4, allow, denied('world')).services).to.deep.equal(['world'])
  })

  it('sends nothing where a deny or a guardrail means it: its addresses would be those of a wider one', () => {
    expect(sent(4, allow, denied('office')).services).to.equal(undefined)
    expect(sent(4, allow, encrypted).services).to.equal(undefined)
  })
})
