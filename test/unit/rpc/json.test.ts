import { expect } from 'chai'
import { adminRequestFromJson, jsonFromMessage, WireError } from '../../../src/rpc/index.ts'

describe('requests in JSON', () => {
  it('become what gRPC would have given', () => {
    expect(adminRequestFromJson('ListFlows', { limit: 5, verdict: 'DENY' })).to.deep.equal({
      sinceMs: 0,
      untilMs: 0,
      workload: '',
      verdict: 'DENY',
      limit: 5,
    })
    const end = { attributes: [{ key: 'label.app', value: 'web', provenance: 'ASSIGNED' }] }
    const request = adminRequestFromJson('Explain', { from: { attributes: end }, port: 1 })
    expect(request).to.have.nested.property('from.kind', 'attributes')
    expect(request).to.have.nested.property('to', null)
    const csr = Buffer.from([1, 2, 255])
    expect(adminRequestFromJson('TaintIssuer', { csr: csr.toString('base64') })).to.deep.include({
      csr,
    })
  })

  const faults: readonly (readonly [method: string, json: unknown, message: string])[] = [
    ['Status', null, 'StatusRequest: expected an object, got null'],
    ['Status', [], 'StatusRequest: expected an object, got a list'],
    ['Status', 'x', 'StatusRequest: expected an object, got string'],
    ['Status', { a: 1 }, 'StatusRequest.a: unknown field'],
    ['Apply', JSON.parse('{"__proto__": {}}'), 'ApplyRequest.__proto__: unknown field'],
    ['Apply', { constructor: 1 }, 'ApplyRequest.constructor: unknown field'],
    ['Apply', { dry_run: true }, 'ApplyRequest.dry_run: unknown field'],
    ['Apply', { dryRun: 'true' }, 'ApplyRequest.dryRun: expected true or false, got string'],
    ['Apply', { text: 1 }, 'ApplyRequest.text: expected text, got number'],
    ['Apply', { text: null }, 'ApplyRequest.text: expected text, got null'],
    ['Apply', { text: '\ud800' }, 'ApplyRequest.text: expected text, got string'],
    ['ListFlows', { limit: 1.5 }, 'ListFlowsRequest.limit: expected a whole number'],
    ['ListFlows', { limit: -1 }, 'ListFlowsRequest.limit: expected a whole number from 0'],
    ['ListFlows', { limit: '1' }, 'ListFlowsRequest.limit: expected a whole number'],
    ['ListFlows', { limit: 2 ** 32 }, 'to 4294967295, got number'],
    ['ListFlows', { sinceMs: 2 ** 60 }, 'ListFlowsRequest.sinceMs: expected a whole number'],
    ['ListFlows', { verdict: 2 }, 'ListFlowsRequest.verdict: expected one of VERDICT_UNSPECIFIED'],
    ['ListFlows', { verdict: 'toString' }, 'ListFlowsRequest.verdict: expected one of'],
    ['SetLabels', { set: {} }, 'SetLabelsRequest.set: expected a list, got object'],
    ['SetLabels', { set: [{}, { key: 1 }] }, 'SetLabelsRequest.set[1].key: expected text'],
    ['SetLabels', { remove: ['a', null] }, 'SetLabelsRequest.remove[1]: expected text, got null'],
    ['TaintIssuer', { csr: '*' }, 'TaintIssuerRequest.csr: expected bytes in base64'],
    [
      'Explain',
      { from: { workload: 'a', attributes: {} } },
      'ExplainRequest.from.attributes: a second choice of its oneof',
    ],
  ]
  for (const [method, json, message] of faults) {
    it(`are refused: ${message}`, () => {
      expect(() => adminRequestFromJson(method, json)).to.throw(WireError, message)
    })
  }
})

describe('answers in JSON', () => {
  it('have their bytes in base64', () => {
    const text = jsonFromMessage({ hash: Buffer.from([1, 2, 255]), list: [Buffer.of(1)], n: 1 })
    expect(JSON.parse(text)).to.deep.equal({ hash: 'AQL/', list: ['AQ=='], n: 1 })
  })
})
