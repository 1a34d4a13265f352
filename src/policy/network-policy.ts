import { checkAccountsOfCondition } from './condition-accounts.ts'
import { conditionShape } from './condition-shape.ts'
import type { MapNode } from './document-node.ts'
import { encryptions, type Encryption } from './encryption.ts'
import { isExternal } from './external-words.ts'
import { httpRulesShape, type HttpRule } from './http-rule.ts'
import { instantShape } from './instant.ts'
import type { DocumentOf, Kind } from './kind.ts'
import { fieldLimits } from './limits.ts'
import { onRejectShape, type OnReject } from './on-reject.ts'
import { portShape } from './port-shape.ts'
import { isDatagramPort, type Port } from './port.ts'
import { optional, record, required, withDefault } from './record.ts'
import { relayTrusts, type RelayTrust } from './relay.ts'
import { defaultNeed, type Selector } from './selector.ts'
import { selectorShape } from './selector-shape.ts'
import { complain, oneOf, setOf, type Place } from './shape.ts'

export const actions = ['allow', 'deny'] as const
export type Action = (typeof actions)[number]

/** `observe`: evaluated and recorded, without effect. */
export const policyModes = ['enforce', 'observe'] as const
export type PolicyMode = (typeof policyModes)[number]

/** Who may talk to whom (POLICY, "NetworkPolicy"). */
export interface NetworkPolicySpec {
  readonly from: Selector
  readonly to: Selector
  /** Undefined: every port, of an allow every TCP port. */
  readonly ports: readonly Port[] | undefined
  /** Undefined: about connections, whatever runs in them. Else its ports are in HTTP mode. */
  readonly http: readonly HttpRule[] | undefined
  readonly action: Action
  readonly encryption: Encryption
  /** Whether a request that a balancer has passed on meets `encryption: required`. */
  readonly relay: RelayTrust | undefined
  readonly mode: PolicyMode
  /** Milliseconds since the epoch from which on the policy has no effect. */
  readonly expires: number | undefined
  /** CEL; undefined: always. */
  readonly when: string | undefined
  readonly onReject: OnReject
}

export type NetworkPolicy = DocumentOf<'NetworkPolicy', NetworkPolicySpec>

export const networkPolicyKind: Kind<'NetworkPolicy', NetworkPolicySpec> = {
  kind: 'NetworkPolicy',
  spec: record<NetworkPolicySpec>({
    expects: 'the spec of a NetworkPolicy',
    fields: {
      from: required(selectorShape(defaultNeed, { external: true })),
      to: required(selectorShape(defaultNeed, { external: true })),
      ports: optional(setOf(portShape, fieldLimits.ports)),
      http: optional(httpRulesShape),
      action: required(oneOf(actions)),
      encryption: withDefault(oneOf(encryptions), 'required'),
      relay: optional(oneOf(relayTrusts)),
      mode: withDefault(oneOf(policyModes), 'enforce'),
      expires: optional(instantShape),
      when: optional(conditionShape),
      onReject: withDefault(onRejectShape, 'keep'),
    },
    check: (spec, node, place) => {
      checkAccountsOfCondition(spec, node, place)
      checkEncryptionOutside(spec, node, place)
      checkHttp(spec, node, place)
      checkRelay(spec, node, place)
      checkDatagrams(spec, node, place)
    },
  }),
}

/** There is no tunnel to an external service, so an allow that asks for one could never take effect. */
function checkEncryptionOutside(
  { from, to, action, encryption }: NetworkPolicySpec,
  node: MapNode,
  place: Place,
): void {
  const isBetween = (selector: Selector): boolean => selector.every(isExternal)
  if (isBetween(from) && isBetween(to)) {
    complain(node.offset, place, 'one of "from" and "to" has to select workloads')
  }
  if (action === 'deny' || encryption === 'optional' || ![...from, ...to].some(isExternal)) return
  const field = node.fields.find(({ name }) => name === 'encryption')
  const message =
    'an allow that names external services needs "encryption: optional", which is clear only towards them'
  complain(field?.offset ?? node.offset, place, message)
}

/** Datagrams go to peers outside the mesh only: between workloads there is no tunnel that carries them. */
function checkDatagrams(
  { to, ports, http, action }: NetworkPolicySpec,
  node: MapNode,
  place: Place,
): void {
  if (ports?.some(isDatagramPort) !== true) return
  const offset = node.fields.find(({ name }) => name === 'ports')?.offset ?? node.offset
  const at = { ...place, path: `${place.path}.ports` }
  if (http !== undefined) complain(offset, at, 'a policy with "http" is about TCP ports only')
  if (action === 'deny' || to.every(isExternal)) return
  const message =
    'an allow of "udp/PORT" or "icmp" is for external services: "to" has to select nothing else'
  complain(offset, at, message)
}

/** Requests are read by the sidecar in front of the accepting workload, and only on ports that are said to be HTTP. */
function checkHttp(
  { http, to, ports, mode }: NetworkPolicySpec,
  node: MapNode,
  place: Place,
): void {
  if (http === undefined) return
  const offset = node.fields.find(({ name }) => name === 'http')?.offset ?? node.offset
  const complainAbout = (message: string): void => {
    complain(offset, { ...place, path: `${place.path}.http` }, message)
  }
  if (ports === undefined) {
    complainAbout('a policy with "http" has to name its "ports": nothing but HTTP passes there')
  }
  if (mode === 'observe') {
    complainAbout(
      '"mode: observe" has no effect, and so cannot have requests read: leave out one of them',
    )
  }
  if (to.some(isExternal)) {
    complainAbout('nobody reads the requests to an external service: "to" has to select workloads')
  }
}

/** What a balancer passes on is decided on the workload that sent it, so both ends are workloads. */
function checkRelay(
  { from, to, action, encryption, relay }: NetworkPolicySpec,
  node: MapNode,
  place: Place,
): void {
  if (relay === undefined) return
  const offset = node.fields.find(({ name }) => name === 'relay')?.offset ?? node.offset
  const complainAbout = (message: string): void => {
    complain(offset, { ...place, path: `${place.path}.relay` }, message)
  }
  if (action === 'deny' || encryption !== 'required') {
    complainAbout(
      '"relay" says what is as good as encrypted, for an allow with "encryption: required"',
    )
  }
  if ([...from, ...to].some(isExternal)) {
    complainAbout(
      '"relay" is about requests between workloads: "from" and "to" have to select those',
    )
  }
}
