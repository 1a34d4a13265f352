import type { Clock } from '../../base/clock.ts'
import {
  defaultPathTemplate,
  parsePathTemplate,
  renderPath,
  spiffeId,
  type Attribute,
  type SpiffeId,
  type TrustDomain,
} from '../../identity/index.ts'
import type { DocumentForm } from '../../policy/enrolment-rule.ts'
import type { DocumentBook } from '../document-book.ts'
import { admit, type Admission } from '../enrolment/admission.ts'
import { labelAttributes } from './workload-labels.ts'

/** What a workload would be issued now. */
export interface Evaluation extends Admission {
  readonly spiffeId: SpiffeId
}

/** Works out what a workload is by the documents in force. */
export interface Evaluator {
  /** Throws `ControllerError` where it may not join, `IdentityError` where it cannot be described. */
  evaluate(subject: {
    readonly name: string
    readonly attested: readonly Attribute[]
    readonly documentForm?: DocumentForm | undefined
    readonly reported: readonly Attribute[]
    /** Those that an administrator gave to this very workload, by key without `label.`. */
    readonly labels: ReadonlyMap<string, string>
  }): Evaluation
}

export function createEvaluator(options: {
  readonly trustDomain: TrustDomain
  readonly book: DocumentBook
  readonly ttlMs: number
  readonly minTtlMs: number
  readonly clock: Clock
}): Evaluator {
  const { trustDomain, book, ttlMs, minTtlMs, clock } = options
  const template = parsePathTemplate(defaultPathTemplate)
  return {
    evaluate: ({ name, attested, documentForm, reported, labels }) => {
      const admission = admit({
        name,
        nodeAttributes: attested,
        labels: labelAttributes(labels),
        documentForm,
        reported,
        rules: book.rules,
        assignments: book.assignments,
        ttlMs,
        minTtlMs,
        now: clock.now(),
      })
      const path = renderPath(template, { name, profile: admission.profile })
      return { ...admission, spiffeId: spiffeId(trustDomain, path) }
    },
  }
}
