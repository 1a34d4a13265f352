import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { formatHostPort } from '../../src/base/env.ts'
import { toPem } from '../../src/cli/pem.ts'
import { testTrustDomain } from '../../test/support/enrolment-client.ts'
import { createTokens, type ControllerUnderTest } from '../load/controller-under-test.ts'
import { freePorts, startPair, type CommandLine, type Contender, type PairWish } from './pair.ts'
import { otherPolicies, policyOf } from './policies.ts'
import { shippedProgram } from './shipped-program.ts'

export interface SidecarsWish {
  /** Of the contender. */
  readonly name?: string
  /** How many policies the two know in all, where that is more than the one about themselves. */
  readonly policies?: number
  /** The rule by which single requests are allowed; connections as such, where there is none. */
  readonly http?: string
  /** Processes of each that carry connections; one, if not given. */
  readonly workers?: number
  /** The program of Node to run them with, where it is not this one. */
  readonly node?: string
}

/** Two sidecars whose policy can be changed. */
export interface Sidecars extends Contender {
  /** Fulfils with the controller's acknowledgement; to be called once they have started. */
  decide(action: 'allow' | 'deny'): Promise<void>
}

/** One sidecar, which accepts tunnels and has no peer. */
export interface LoneSidecar extends Contender {
  /** Where it accepts tunnels. */
  readonly tunnel: number
}

/**
 * Two sidecars as they are shipped: enrolled with the real controller, policy, limits, metrics, flow
 * reports and a log of every connection. What is enrolled once is used again at the next start.
 */
export function blazon(controller: ControllerUnderTest, asked: SidecarsWish = {}): Sidecars {
  let tunnel = 0
  const decide = async (action: 'allow' | 'deny'): Promise<void> => {
    await controller.admin().call('Apply', { text: policyOf(tunnel, action, asked.http) })
  }
  return {
    name: asked.name ?? 'blazon',
    decide,
    start: async (wish) => {
      const [entrance = 0, ...ports] = await freePorts(2)
      tunnel ||= ports[0] ?? 0
      await decide('allow')
      const fleet = `fleet-${String(tunnel)}`
      const others = (asked.policies ?? 1) - 1
      if (others > 0) {
        await controller.admin().call('Apply', { text: otherPolicies(fleet, tunnel, others) })
      }
      const [server = '', client = ''] = await createTokens(controller, 2, 1, { fleet })
      const ends = [
        sidecar(controller, wish, asked, {
          BLAZON_WORKLOAD: 'server',
          BLAZON_JOIN_TOKEN: server,
          BLAZON_INGRESS: `${listen(tunnel)}=${listen(wish.backend)}`,
        }),
        sidecar(controller, wish, asked, {
          BLAZON_WORKLOAD: 'client',
          BLAZON_JOIN_TOKEN: client,
          BLAZON_EGRESS: `${listen(entrance)}=${listen(tunnel)}`,
        }),
      ]
      const probe = asked.http === undefined ? 'echo' : 'http'
      return startPair(wish.directory, entrance, ends, probe)
    },
  }
}

/** It has started when it says that it is ready. */
export async function createLoneSidecar(
  controller: ControllerUnderTest,
  asked: Pick<SidecarsWish, 'node'> = {},
): Promise<LoneSidecar> {
  const [tunnel = 0, status = 0] = await freePorts(2)
  return {
    name: 'one sidecar',
    tunnel,
    start: async (wish) => {
      const [token = ''] = await createTokens(controller, 1)
      const end = sidecar(controller, wish, asked, {
        BLAZON_WORKLOAD: 'server',
        BLAZON_JOIN_TOKEN: token,
        BLAZON_INGRESS: `${listen(tunnel)}=${listen(wish.backend)}`,
        BLAZON_METRICS_LISTEN: listen(status),
      })
      return startPair(wish.directory, status, [end], 'ready')
    },
  }
}

function listen(port: number): string {
  return formatHostPort({ host: '127.0.0.1', port })
}

function sidecar(
  controller: ControllerUnderTest,
  { directory }: PairWish,
  { node = process.execPath, workers }: Pick<SidecarsWish, 'node' | 'workers'>,
  environment: Readonly<Record<string, string>> & { readonly BLAZON_WORKLOAD: string },
): CommandLine {
  const bundle = join(directory, 'roots.pem')
  writeFileSync(bundle, toPem(controller.root))
  return {
    command: node,
    args: [shippedProgram(), 'sidecar'],
    environment: {
      BLAZON_TRUST_DOMAIN: testTrustDomain,
      BLAZON_CONTROLLER: formatHostPort(controller.address),
      BLAZON_BUNDLE: bundle,
      BLAZON_STATE_DIR: join(directory, environment.BLAZON_WORKLOAD),
      BLAZON_METRICS_LISTEN: '127.0.0.1:0',
      BLAZON_EVIDENCE: 'join-token',
      BLAZON_DRAIN: '100ms',
      ...(workers === undefined ? {} : { BLAZON_WORKERS: String(workers) }),
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
