import type { TrustProfile } from '../identity/trust-profile.ts'
import {
  addressBytes,
  isNeverOutside,
  unlistedName,
  unlistedProfile,
  type HttpRequest,
} from '../policy/index.ts'
import type { FlowDirection } from './flow-recorder.ts'
import { deny, judge, type Judgement, type Standing } from './judgement.ts'

/**
 * What an address is to this workload (PROTOCOL §5).
 *
 * - `outside`: policy lets it be reached, or reach here, in clear.
 * - `mesh`: a workload's: only tunnels.
 * - `neither`: only tunnels as well; `denial` says why it is not outside where a service covers it.
 */
export type OutsideChoice =
  | { readonly kind: 'outside'; readonly name: string; readonly judgement: Judgement }
  | { readonly kind: 'mesh' }
  | { readonly kind: 'neither'; readonly denial: Judgement | undefined }

/** One connection, as far as it matters whether it may be one with the outside. */
export interface OutsideQuestion {
  readonly direction: FlowDirection
  /** Of the other end, in canonical form. */
  readonly address: string
  /** What policy is asked about. */
  readonly port: number
  /** One request in that connection, where it is about that. */
  readonly request?: HttpRequest
}

/**
 * Goes by pushed state alone, and costs no look at the network: what the address is, and what policy
 * says of the services that cover it. Of several services a denial of any counts, then an allow.
 */
export function chooseOutside(standing: Standing, question: OutsideQuestion): OutsideChoice {
  const { outside } = standing
  const { direction, address, port, request } = question
  if (outside.isMesh(address)) return { kind: 'mesh' }
  // A peer that connects from a service may do so from any port.
  const peers = outside.covering(address, direction === 'egress' ? port : undefined)
  const ask = (profile: TrustProfile): Judgement =>
    judge(standing, direction, profile, port, request)
  if (peers.length === 0) return chooseUnlisted(address, ask)
  let allowed: { readonly name: string; readonly judgement: Judgement } | undefined
  let undecided: Judgement | undefined
  for (const { service, profile } of peers) {
    const judgement = ask(profile)
    if (judgement.verdict === 'allow') allowed ??= { name: service.name, judgement }
    else if (judgement.reason === 'no-policy-matched') undecided ??= judgement
    else return { kind: 'neither', denial: judgement }
  }
  return allowed === undefined
    ? { kind: 'neither', denial: undecided }
    : { kind: 'outside', ...allowed }
}

/** An address that no service covers is outside only under an Observe that says so. */
function chooseUnlisted(address: string, ask: (profile: TrustProfile) => Judgement): OutsideChoice {
  const bytes = addressBytes(address)
  if (bytes === undefined || isNeverOutside(bytes)) return { kind: 'neither', denial: undefined }
  const judgement = ask(unlistedProfile)
  if (judgement.verdict === 'deny') return { kind: 'neither', denial: undefined }
  return { kind: 'outside', name: unlistedName, judgement }
}

/** The word on a connection with the outside that is open: what would be decided about a new one. */
export function judgeOutside(standing: Standing, question: OutsideQuestion): Judgement {
  const choice = chooseOutside(standing, question)
  switch (choice.kind) {
    case 'outside':
      return choice.judgement
    case 'mesh':
      // The next attempt goes by tunnel.
      return deny(question.direction === 'egress' ? 'encryption-required' : 'mesh-peer-in-clear')
    case 'neither':
      return choice.denial ?? deny('no-policy-matched')
    default:
      return choice satisfies never
  }
}
