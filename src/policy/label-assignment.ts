import { instantShape } from './instant.ts'
import type { DocumentOf, Kind } from './kind.ts'
import { labelsShape, type Labels } from './labels.ts'
import { optional, record, required } from './record.ts'
import { defaultNeed, type Selector } from './selector.ts'
import { selectorShape } from './selector-shape.ts'

/** Labels for every workload that a selector meets. */
export interface LabelAssignmentSpec {
  readonly select: Selector
  readonly labels: Labels
  /** Milliseconds since the epoch from which on it has no effect. */
  readonly expires: number | undefined
}

export type LabelAssignment = DocumentOf<'LabelAssignment', LabelAssignmentSpec>

export const labelAssignmentKind: Kind<'LabelAssignment', LabelAssignmentSpec> = {
  kind: 'LabelAssignment',
  spec: record<LabelAssignmentSpec>({
    expects: 'the spec of a LabelAssignment',
    fields: {
      select: required(selectorShape(defaultNeed)),
      labels: required(labelsShape),
      expires: optional(instantShape),
    },
  }),
}
