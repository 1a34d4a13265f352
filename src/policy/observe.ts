import { instantShape } from './instant.ts'
import type { DocumentOf, Kind } from './kind.ts'
import { record, required, withDefaultFlag } from './record.ts'
import { defaultNeed, type Selector } from './selector.ts'
import { selectorShape } from './selector-shape.ts'

/** Lets what no policy decides through between two ends of its scope, and records it (POLICY, "Observe"). */
export interface ObserveSpec {
  readonly scope: Selector
  /** Milliseconds since the epoch: nobody leaves a mesh open by forgetting. */
  readonly expires: number
  /** Whether a peer that proves no identity may reach an end in scope. */
  readonly external: boolean
}

export type Observe = DocumentOf<'Observe', ObserveSpec>

export const observeKind: Kind<'Observe', ObserveSpec> = {
  kind: 'Observe',
  spec: record<ObserveSpec>({
    expects: 'the spec of an Observe',
    fields: {
      scope: required(selectorShape(defaultNeed)),
      expires: required(instantShape),
      external: withDefaultFlag(false),
    },
  }),
}
