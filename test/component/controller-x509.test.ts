import { expect } from 'chai'
import { decodeProfile } from '../../src/identity/index.ts'
import { renewWith } from '../support/enrolment-client.ts'
import { expectStatus } from '../support/expect-status.ts'
import { newKeys } from '../support/test-ca.ts'
import { startTestController, type TestController } from '../support/test-controller.ts'
import { createOutsideCa, x509Evidence } from '../support/test-x509.ts'

const rule = `
kind: EnrolmentRule
name: machines
spec: { match: { label.x509-o: Corp }, names: ['*'] }
`

describe('controller: certificates as evidence', function () {
  this.timeout(20_000)

  const outside = createOutsideCa()
  let mesh: TestController
  beforeEach(async () => {
    mesh = await startTestController({ files: { 'x509-ca.pem': outside.pem } })
    await mesh.apply(rule)
  })
  afterEach(() => mesh[Symbol.asyncDispose]())

  it('admits a machine whose certificate leads to the configured CA, and renews it', async () => {
    const machine = outside.machine('host-1')
    const workload = await mesh.enrol('web', { evidence: x509Evidence(machine) })
    const { entries } = decodeProfile(workload.response.svid?.profile ?? Buffer.alloc(0))
    expect([...entries.keys()]).to.deep.equal([
      'label.x509-cn',
      'label.x509-dns',
      'label.x509-o',
      'label.x509-uri',
    ])
    expect(entries.get('label.x509-cn')).to.deep.equal({
      provenance: 'assigned',
      values: ['host-1'],
    })
    await renewWith(mesh.connect(workload), workload)
    const { nodes } = await (await mesh.admin()).call('ListNodes', {})
    expect(nodes.map(({ method }) => method)).to.deep.equal(['x509'])
  })

  it('binds the certified key to one node key, over restarts and renewed certificates', async () => {
    const machine = outside.machine('host-1')
    const nodeKeys = newKeys()
    await mesh.enrol('web', { nodeKeys, evidence: x509Evidence(machine) })
    await mesh.restart()
    const keys = { privateKey: machine.privateKey, spki: machine.spki }
    const renewed = outside.machine('host-1', { keys })
    await mesh.enrol('api', { nodeKeys, evidence: x509Evidence(renewed) })
    await expectStatus(
      mesh.enrol('web', { evidence: x509Evidence(renewed) }),
      'PERMISSION_DENIED',
      /certificate belongs to another node key/,
    )
  })

  const machine = outside.machine('host-1')
  const forgeries = {
    'a certificate of another CA': x509Evidence(createOutsideCa().machine('host-1')),
    'a certificate whose key is held by somebody else': x509Evidence({
      ...machine,
      privateKey: newKeys().privateKey,
    }),
    'a signature for another nonce': x509Evidence(machine, { nonce: Buffer.alloc(32) }),
    'a signature for another node key': x509Evidence(machine, { nodeKey: newKeys().spki }),
    'a signature for another workload': x509Evidence(machine, { subject: Buffer.alloc(3) }),
    'a signature for another CSR': x509Evidence(machine, { csr: Buffer.alloc(3) }),
    'a signature for another controller': x509Evidence(machine, {
      controllerKeySha256: '00'.repeat(32),
    }),
    'a signature for another chain': x509Evidence(machine, { chain: [machine.chain[0]] }),
  }
  for (const [what, evidence] of Object.entries(forgeries)) {
    it(`refuses ${what}`, async () => {
      await expectStatus(mesh.enrol('web', { evidence }), 'UNAUTHENTICATED', /not accepted/)
    })
  }
})
