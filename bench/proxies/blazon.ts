import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { formatHostPort } from '../../src/base/env.ts'
import { toPem } from '../../src/cli/pem.ts'
import { testTrustDomain } from '../../test/support/enrolment-client.ts'
import { createTokens, type ControllerUnderTest } from '../load/controller-under-test.ts'
import { freePorts, startPair, type CommandLine, type Contender, type PairWish } from './pair.ts'

const program = fileURLToPath(new URL('../../src/main/blazon.ts', import.meta.url))

/** A policy by which the client's workload may, or may not, reach the server's; `http` is a rule for requests. */
export function policyOf(port: number, action: 'allow' | 'deny', http?: string): string {
  const rules = http === undefined ? '' : `http: [${http}], `
  return `
kind: NetworkPolicy
name: bench-${String(port)}
spec: { from: { label.join: bench }, to: { label.join: bench }, ports: [tcp/${String(port)}], ${rules}action: ${action} }
`
}

export interface SidecarsWish {
  /** The rule by which single requests are allowed; connections as such, where there is none. */
  readonly http?: string
}

/**
 * Two sidecars as they are shipped: enrolled with the real controller, policy, limits, metrics, flow
 * reports and a log of every connection. What is enrolled once is used again at the next start.
 */
export function blazon(controller: ControllerUnderTest, asked: SidecarsWish = {}): Contender {
  let tunnel = 0
  return {
    name: 'blazon',
    start: async (wish) => {
      const [entrance = 0, ...ports] = await freePorts(2)
      tunnel ||= ports[0] ?? 0
      await controller.admin().call('Apply', { text: policyOf(tunnel, 'allow', asked.http) })
      const [server = '', client = ''] = await createTokens(controller, 2)
      const listen = (port: number): string => formatHostPort({ host: '127.0.0.1', port })
      const ends = [
        sidecar(controller, wish, 'server', {
          BLAZON_JOIN_TOKEN: server,
          BLAZON_INGRESS: `${listen(tunnel)}=${listen(wish.backend)}`,
        }),
        sidecar(controller, wish, 'client', {
          BLAZON_JOIN_TOKEN: client,
          BLAZON_EGRESS: `${listen(entrance)}=${listen(tunnel)}`,
        }),
      ]
      const probe = asked.http === undefined ? 'echo' : 'http'
      return startPair(wish.directory, entrance, ends, probe)
    },
  }
}

function sidecar(
  controller: ControllerUnderTest,
  { directory }: PairWish,
  name: string,
  environment: Readonly<Record<string, string>>,
): CommandLine {
  const bundle = join(directory, 'roots.pem')
  writeFileSync(bundle, toPem(controller.root))
  return {
    command: process.execPath,
    args: [program, 'sidecar'],
    environment: {
      BLAZON_TRUST_DOMAIN: testTrustDomain,
      BLAZON_CONTROLLER: formatHostPort(controller.address),
      BLAZON_BUNDLE: bundle,
      BLAZON_WORKLOAD: name,
      BLAZON_STATE_DIR: join(directory, name),
      BLAZON_METRICS_LISTEN: '127.0.0.1:0',
      BLAZON_EVIDENCE: 'join-token',
      BLAZON_DRAIN: '100ms',
      ...environment,
      ...profiling(),
    },
  }
}

/** `NODE_OPTIONS` of whoever runs this reach the sidecars, for instance `--cpu-prof`. */
function profiling(): { readonly NODE_OPTIONS?: string } {
  const options = process.env['BENCH_SIDECAR_OPTIONS']
  return options === undefined ? {} : { NODE_OPTIONS: options }
}
