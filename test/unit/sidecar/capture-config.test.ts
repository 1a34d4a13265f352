import { expect } from 'chai'
import { ConfigError, readEnvironment } from '../../../src/base/env.ts'
import { readCapture, type CaptureConfig } from '../../../src/sidecar/capture-config.ts'

function capture(environment: Readonly<Record<string, string>>): CaptureConfig {
  const env = readEnvironment(environment, 'BLAZON_')
  const config = readCapture(env)
  env.finish()
  return config
}

describe('readCapture()', () => {
  it('is explicit unless it is told otherwise', () => {
    expect(capture({})).to.deep.equal({ kind: 'explicit' })
  })

  it('has the ports of `blazon intercept` as defaults', () => {
    expect(capture({ BLAZON_CAPTURE: 'redirect' })).to.deep.equal({
      kind: 'redirect',
      egressPort: 15_001,
      ingressPort: 15_006,
      dnsPort: 15_053,
      workloadUid: undefined,
    })
  })

  it('takes ports and the uid of the workload', () => {
    const environment = {
      BLAZON_CAPTURE: 'redirect',
      BLAZON_EGRESS_PORT: '1',
      BLAZON_INGRESS_PORT: '2',
      BLAZON_WORKLOAD_UID: '0',
    }
    expect(capture(environment)).to.include({ egressPort: 1, ingressPort: 2, workloadUid: 0 })
  })

  const redirect = { BLAZON_CAPTURE: 'redirect' }
  const refused: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    'another word': { BLAZON_CAPTURE: 'tproxy' },
    'one port for both directions': { ...redirect, BLAZON_EGRESS_PORT: '15006' },
    'one port for connections and for names': { ...redirect, BLAZON_DNS_PORT: '15001' },
    'the uid of the sidecar as that of the workload': { ...redirect, BLAZON_WORKLOAD_UID: '1337' },
    'a uid that is none': { ...redirect, BLAZON_WORKLOAD_UID: 'nobody' },
    'a uid that explicit capture would not check': { BLAZON_WORKLOAD_UID: '1000' },
    'a port for names that explicit capture would not open': { BLAZON_DNS_PORT: '15053' },
    'a port that explicit capture would not open': { BLAZON_EGRESS_PORT: '15001' },
  }
  for (const [name, environment] of Object.entries(refused)) {
    it(`refuses ${name}`, () => {
      expect(() => capture(environment)).to.throw(ConfigError)
    })
  }
})
