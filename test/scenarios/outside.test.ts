import { expect } from 'chai'
import { runInNamespace } from '../support/in-namespace.ts'

const addresses = ['198.51.100.7/32', '203.0.113.5/32', '203.0.113.66/32', '10.0.0.7/32']

describe('peers outside the mesh, at addresses of a namespace', function () {
  this.timeout(120_000)

  before(function () {
    if (process.getuid?.() !== 0) this.skip()
  })

  for (const part of ['egress', 'ingress', 'names', 'http', 'balancer', 'to-balancer']) {
    it(`holds what test/scenarios/inside/outside-${part}.ts says`, async () => {
      const file = `test/scenarios/inside/outside-${part}.ts`
      const printed = await runInNamespace(file, addresses, AbortSignal.timeout(110_000))
      expect(printed).to.match(/[1-9][0-9]* passing/)
    })
  }
})
