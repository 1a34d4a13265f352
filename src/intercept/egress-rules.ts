import { metadataAddresses } from '../base/metadata-addresses.ts'
import { rulesProbe } from '../base/rules-probe.ts'
import { sidecarId } from '../base/sidecar-account.ts'
import { addressesOf } from './address-list.ts'
import {
  addressRules,
  knownConnections,
  networkUpkeep,
  opensConnection,
  refusals,
} from './common-rules.ts'
import { sentDatagrams } from './datagram-rules.ts'
import type { ResolvedOptions } from './options.ts'
import { anyOf, filterPriority, natPriority, type Chain, type Rule } from './rule.ts'

const metadataServices = addressesOf(metadataAddresses)
const ofSidecar = [`meta skuid ${String(sidecarId)}`, `meta skgid ${String(sidecarId)}`]
const staysHere = 'oifname "lo"'
const nameService = 'meta l4proto { tcp, udp }'
const namePort = 'th dport 53'

/** Sends every new connection of the workload to the sidecar. */
export function egressCapture(options: ResolvedOptions): Chain {
  const untouched = (name: string, ...matches: readonly string[]): Rule => ({
    name,
    matches,
    outcome: { kind: 'return' },
  })
  return {
    name: 'egress_capture',
    type: 'nat',
    hook: 'output',
    priority: natPriority,
    policy: 'accept',
    rules: [
      untouched('the sidecar', ...ofSidecar),
      untouched('within this machine', staysHere),
      // Refused further on; redirected, they would reach the sidecar instead.
      ...addressRules(metadataServices, 'daddr', untouched('metadata services')),
      ...addressRules(options.resolvers, 'daddr', askedNames(options)),
      ...addressRules(options.excludeCidrs, 'daddr', untouched('excluded networks')),
      {
        name: 'capture',
        matches: [opensConnection],
        outcome: { kind: 'redirect', port: options.egressPort },
      },
    ],
  }
}

/** Questions for names go to the sidecar where it answers them, or else to the resolvers as they are. */
function askedNames({ dnsPort }: ResolvedOptions): Rule {
  return {
    name: 'resolvers',
    matches: [nameService, namePort],
    outcome: dnsPort === 'off' ? { kind: 'return' } : { kind: 'redirect', port: dnsPort },
  }
}

/** Lets out the sidecar, what was captured, and little else. */
export function egressFilter(options: ResolvedOptions): Chain {
  const { egressPort, ingressPort, dnsPort } = options
  const passed = (name: string, ...matches: readonly string[]): Rule => ({
    name,
    matches,
    marks: true,
    outcome: { kind: 'accept' },
  })
  return {
    name: 'egress',
    type: 'filter',
    hook: 'output',
    priority: filterPriority,
    policy: 'drop',
    rules: [
      {
        // A sidecar without capabilities cannot list rules; this is how it sees that they are there.
        name: 'the sidecar looks for these rules',
        matches: [
          ...ofSidecar,
          `ip daddr ${rulesProbe.host}`,
          `tcp dport ${String(rulesProbe.port)}`,
        ],
        outcome: { kind: 'prohibit' },
      },
      passed('the sidecar', ...ofSidecar),
      ...addressRules(metadataServices, 'daddr', {
        name: 'metadata services',
        counter: 'refused_metadata',
        outcome: { kind: 'prohibit' },
      }),
      passed(
        'captured',
        `tcp dport ${String(egressPort)}`,
        'ct status dnat',
        'fib daddr type local',
      ),
      ...(dnsPort === 'off'
        ? []
        : [
            passed(
              'captured names',
              nameService,
              `th dport ${String(dnsPort)}`,
              'ct status dnat',
              'fib daddr type local',
            ),
          ]),
      {
        name: 'the sidecar dialled directly',
        matches: [`tcp dport ${anyOf([egressPort, ingressPort])}`, 'fib daddr type local'],
        counter: 'refused_direct',
        outcome: { kind: 'reset' },
      },
      { name: 'within this machine', matches: [staysHere], outcome: { kind: 'accept' } },
      ...(options.datagrams ? sentDatagrams : []),
      {
        // Not by UDP: who takes over the port that the sidecar has asked a resolver from is not the
        // sidecar. What else may go out by UDP is let out packet by packet.
        ...knownConnections,
        matches: [...knownConnections.matches, 'meta l4proto tcp'],
      },
      ...(dnsPort === 'off'
        ? addressRules(options.resolvers, 'daddr', passed('resolvers', nameService, namePort))
        : []),
      ...addressRules(options.excludeCidrs, 'daddr', passed('excluded networks')),
      ...networkUpkeep,
      // At once and aloud: a program that waits for a timeout tells nobody what is wrong.
      ...refusals('out', (protocol) => ({ kind: protocol === 'tcp' ? 'reset' : 'prohibit' })),
    ],
  }
}
