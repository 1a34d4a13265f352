import type { DocumentOf, Kind } from './kind.ts'
import { labelsShape, type Labels } from './labels.ts'
import { record, required } from './record.ts'
import { defaultNeed, type Selector } from './selector.ts'
import { selectorShape } from './selector-shape.ts'

/** Labels for every workload that a selector meets. */
export interface LabelAssignmentSpec {
  readonly select: Selector
  readonly labels: Labels
}

export type LabelAssignment = DocumentOf<'LabelAssignment', LabelAssignmentSpec>

export const labelAssignmentKind: Kind<'LabelAssignment', LabelAssignmentSpec> = {
  kind: 'LabelAssignment',
  spec: record<LabelAssignmentSpec>({
    expects: 'the spec of a LabelAssignment',
    fields: {
      select: required(selectorShape(defaultNeed)),
      labels: required(labelsShape),
    },
  }),
}
