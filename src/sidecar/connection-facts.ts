import type { HostPort } from '../base/env.ts'
import { reasons, type Reason } from '../policy/reason.ts'
import type { Tunnel } from '../tunnel/index.ts'
import type { FlowDirection, FlowEncryption, FlowFacts } from './flow-recorder.ts'
import type { RelayEnding } from './relay.ts'

/** What of a tunnel says who is at its other end. */
export interface PeerSource extends Pick<Tunnel, 'peer'> {
  /** Its data goes beside the tunnel, in clear. */
  readonly isClear?: true
}

/** A peer outside the mesh, by the name of its service. */
export interface OutsidePeer {
  readonly outside: string
}

/** A workload that a balancer has passed a request on for. */
export interface RelayedPeer {
  readonly relayed: { readonly spiffeId: string; readonly workloadId: string }
}

type AnyPeer = PeerSource | OutsidePeer | RelayedPeer

/** How a peer is called in records and logs; empty where it is not known. */
export function nameOfPeer(peer: AnyPeer | undefined): string {
  if (peer === undefined) return ''
  if ('relayed' in peer) return peer.relayed.spiffeId
  return 'outside' in peer ? `external:${peer.outside}` : peer.peer.spiffeId
}

/** The facts of a connection whose peer is proven or outside the mesh, or of one that got nowhere (`tunnel` undefined). */
export function factsOf(input: {
  readonly direction: FlowDirection
  readonly tunnel: AnyPeer | undefined
  readonly destination: HostPort
  readonly verdict: 'allow' | 'deny'
  readonly reason: Reason
  readonly policy?: string
}): FlowFacts {
  const { direction, tunnel, destination, verdict, reason } = input
  return {
    direction,
    peerSpiffeId: nameOfPeer(tunnel),
    peerWorkloadId: workloadIdOf(tunnel),
    destination,
    verdict,
    reason,
    policy: input.policy ?? '',
    encryption: encryptionOf(tunnel),
  }
}

function workloadIdOf(peer: AnyPeer | undefined): string {
  if (peer === undefined || 'outside' in peer) return ''
  return 'relayed' in peer ? peer.relayed.workloadId : (peer.peer.workload?.workloadId ?? '')
}

/** What runs through a tunnel is encrypted, whatever less the policy would have been content with. */
function encryptionOf(peer: AnyPeer | undefined): FlowEncryption {
  if (peer === undefined) return 'required'
  if ('outside' in peer) return 'optional'
  if ('relayed' in peer) return 'relayed'
  return peer.isClear === true ? 'none' : 'required'
}

const firstTransportCode = reasons['no-tunnel']
const firstApplicationCode = reasons['application-refused']
const lastApplicationCode = reasons['connection-reset']

/** How a connection counts that ended, for this reason, before it carried a byte. */
export function verdictOfRefusal(reason: Reason): 'allow' | 'deny' {
  const code = reasons[reason]
  // Policy allowed it; it was the program behind that did not take it.
  return code >= firstApplicationCode && code <= lastApplicationCode ? 'allow' : 'deny'
}

/** What the record of an open connection says of its end, where that is not just over. */
export function endingOf(
  ending: RelayEnding,
  policy: string,
): Pick<FlowFacts, 'verdict' | 'reason' | 'policy'> | undefined {
  if (ending.kind === 'finished' || ending.kind === 'socket-reset') return undefined
  const { reason } = ending
  if (reason === 'connection-reset') return undefined
  // Below are decisions against it; from there on, what else befell an allowed connection.
  const isDecision = reasons[reason] < firstTransportCode || reason === 'mesh-peer-in-clear'
  return { verdict: isDecision ? 'deny' : 'allow', reason, policy }
}
