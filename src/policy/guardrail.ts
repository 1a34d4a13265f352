import { checkAccountsOfCondition } from './condition-accounts.ts'
import { conditionShape } from './condition-shape.ts'
import { durationShape } from './duration.ts'
import { instantShape } from './instant.ts'
import type { DocumentOf, Kind } from './kind.ts'
import { fieldLimits } from './limits.ts'
import { onRejectShape, type OnReject } from './on-reject.ts'
import { portShape } from './port-shape.ts'
import { type Port } from './port.ts'
import { optional, record, selectorOrAnybody, withDefault } from './record.ts'
import { relayTrusts, type RelayTrust } from './relay.ts'
import { defaultNeed, type Selector } from './selector.ts'
import { selectorShape } from './selector-shape.ts'
import { complain, oneOf, setOf } from './shape.ts'

export const guardrailActions = ['deny', 'alert'] as const
export type GuardrailAction = (typeof guardrailActions)[number]

/** A rule over any pair that no policy can weaken (POLICY, "Guardrail"). */
export interface GuardrailSpec {
  /** Anybody where it is left out. */
  readonly from: Selector
  readonly to: Selector
  /** Undefined: every port. */
  readonly ports: readonly Port[] | undefined
  /** CEL. */
  readonly when: string | undefined
  readonly action: GuardrailAction | undefined
  readonly encryption: 'required' | undefined
  /** Whether a request that a balancer has passed on meets `encryption: required`. */
  readonly relay: RelayTrust | undefined
  /** Longest time in milliseconds that matching connections go by a policy whose controller is away. */
  readonly maxStale: number | undefined
  /** Milliseconds since the epoch from which on it has no effect. */
  readonly expires: number | undefined
  readonly onReject: OnReject
}

export type Guardrail = DocumentOf<'Guardrail', GuardrailSpec>

const dayMs = 86_400_000

/** Three heartbeats of the controller: with less, one that comes late would deny for nothing. */
const leastMaxStaleMs = 30_000

export const guardrailKind: Kind<'Guardrail', GuardrailSpec> = {
  kind: 'Guardrail',
  spec: record<GuardrailSpec>({
    expects: 'the spec of a Guardrail',
    fields: {
      from: selectorOrAnybody(selectorShape(defaultNeed, { external: true })),
      to: selectorOrAnybody(selectorShape(defaultNeed, { external: true })),
      ports: optional(setOf(portShape, fieldLimits.ports)),
      when: optional(conditionShape),
      action: optional(oneOf(guardrailActions)),
      encryption: optional(oneOf(['required'])),
      relay: optional(oneOf(relayTrusts)),
      maxStale: optional(durationShape(leastMaxStaleMs, 7 * dayMs)),
      expires: optional(instantShape),
      onReject: withDefault(onRejectShape, 'keep'),
    },
    check: (spec, node, place) => {
      const { action, encryption, maxStale } = spec
      if (action === undefined && encryption === undefined && maxStale === undefined) {
        complain(node.offset, place, 'expected an effect: action, encryption or maxStale')
      }
      if (spec.relay !== undefined && encryption === undefined) {
        complain(node.offset, place, '"relay" says what is as good as "encryption: required"')
      }
      checkAccountsOfCondition(spec, node, place)
    },
  }),
}
