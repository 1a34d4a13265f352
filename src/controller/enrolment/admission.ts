import { quote } from '../../base/errors.ts'
import {
  createProfile,
  sidecarProvenance,
  weakest,
  type Attribute,
  type DroppedAttribute,
  type TrustProfile,
} from '../../identity/index.ts'
import {
  longestFirstEnrolmentMs,
  ruleAllowsClaim,
  ruleAllowsName,
  ruleTakesForm,
  type DocumentForm,
  type EnrolmentRule,
} from '../../policy/enrolment-rule.ts'
import type { LabelAssignment } from '../../policy/label-assignment.ts'
import { labelProvenance } from '../../policy/labels.ts'
import { matchedProvenance } from '../../policy/selector.ts'
import { ControllerError } from '../controller-error.ts'

/** What enrolment rules and label assignments make of a workload on an attested node. */
export interface Admission {
  readonly profile: TrustProfile
  /** Attributes that do not stand, and why. */
  readonly dropped: readonly DroppedAttribute[]
  readonly ttlMs: number
  /** Node keys that one node may bind. */
  readonly keysPerNode: number
  /** How old the pending time of an instance may be when its first key is bound. */
  readonly firstEnrolmentWithinMs: number
  /** Names of the rules that let it in. */
  readonly rules: readonly string[]
}

export interface AdmissionQuestion {
  /** The workload's name, as it calls itself. */
  readonly name: string
  /** What evidence proved of the node. */
  readonly nodeAttributes: readonly Attribute[]
  /** The form of the instance identity document among the evidence, if there was one. */
  readonly documentForm?: DocumentForm | undefined
  /** What the sidecar reported. */
  readonly reported: readonly Attribute[]
  /** Labels that an administrator gave to this very workload. */
  readonly labels?: readonly Attribute[]
  readonly rules: readonly EnrolmentRule[]
  readonly assignments: readonly LabelAssignment[]
  /** SVID life where no rule sets a shorter one, and the shortest there is. */
  readonly ttlMs: number
  readonly minTtlMs: number
  /** Milliseconds since the epoch: what has expired by then has no effect. */
  readonly now: number
}

/**
 * Decides whether a workload may join, and as what (PROTOCOL §3, "Enrolment rules"). A rule applies
 * where it selects the node and lists the workload's name; all that apply count together: what each
 * of them allows stands, the shortest life holds, and labels must not contradict each other. Where
 * none applies nobody is admitted. Throws `ControllerError` or, for a profile that is too large, `IdentityError`.
 */
export function admit(question: AdmissionQuestion): Admission {
  const { accepted, dropped } = acceptReported(question.reported)
  const seen = createProfile([...question.nodeAttributes, ...accepted]).profile
  const rules = applyingRules(question, seen)
  checkRequirements(rules, question.documentForm)
  const claims = filterClaims(accepted, rules, dropped)
  const base = [
    ...question.nodeAttributes,
    ...claims,
    ...assignedByRules(rules, seen),
    ...(question.labels ?? []),
  ]
  const assignments = question.assignments.filter((one) => isInForce(one, question.now))
  const unlabelled = createProfile(base)
  const labels = assignedByDocuments(assignments, unlabelled.profile)
  const made = labels.length === 0 ? unlabelled : createProfile([...base, ...labels])
  return {
    profile: made.profile,
    dropped: [...dropped, ...made.dropped],
    ttlMs: lifeOf(rules, question),
    keysPerNode: Math.min(...rules.map(({ spec }) => spec.keysPerNode)),
    firstEnrolmentWithinMs: Math.min(
      ...rules.map(({ spec }) => spec.firstEnrolmentWithin ?? longestFirstEnrolmentMs),
    ),
    rules: rules.map(({ name }) => name),
  }
}

function isInForce({ spec }: EnrolmentRule | LabelAssignment, now: number): boolean {
  return spec.expires === undefined || now < spec.expires
}

/**
 * Requirements add up: what one of the rules asks for, or does not take, is not made good by another.
 * Otherwise a node could choose its rules by the evidence that it shows.
 */
function checkRequirements(rules: readonly EnrolmentRule[], form: DocumentForm | undefined): void {
  for (const { name, spec } of rules) {
    if (spec.require !== undefined) {
      throw new ControllerError(
        'ERR_PRECONDITION',
        `enrolment rule ${name} requires ${spec.require.join(' and ')}, which is not available on this controller yet`,
      )
    }
    if (form !== undefined && !ruleTakesForm(spec, form)) {
      throw new ControllerError(
        'ERR_PERMISSION',
        `enrolment rule ${name} does not take the ${form} form of an instance identity document; it takes ${(spec.forms ?? ['rsa2048']).join(', ')}`,
      )
    }
  }
}

/** A sidecar may set its own families only; what it says never counts for more than its family does. */
function acceptReported(reported: readonly Attribute[]): {
  accepted: Attribute[]
  dropped: DroppedAttribute[]
} {
  const accepted: Attribute[] = []
  const dropped: DroppedAttribute[] = []
  for (const { key, value, provenance } of reported) {
    const strongest = sidecarProvenance(key)
    if (strongest === undefined)
      dropped.push({ key, reason: 'a sidecar may not set this attribute' })
    else accepted.push({ key, value, provenance: weakest(provenance, strongest) })
  }
  return { accepted, dropped }
}

function applyingRules(question: AdmissionQuestion, seen: TrustProfile): EnrolmentRule[] {
  const matching = question.rules.filter(
    ({ spec }) => matchedProvenance(spec.match, seen) !== undefined,
  )
  const selecting = matching.filter((rule) => isInForce(rule, question.now))
  if (selecting.length === 0) {
    const expired = matching.map(({ name }) => name).join(', ')
    const hint = expired === '' ? '' : `; these did until they expired: ${expired}`
    throw new ControllerError('ERR_PERMISSION', `no enrolment rule matches this node${hint}`)
  }
  const applying = selecting.filter(({ spec }) => ruleAllowsName(spec, question.name))
  if (applying.length === 0) {
    const names = selecting.map(({ name }) => name).join(', ')
    throw new ControllerError(
      'ERR_PERMISSION',
      `this node may not host a workload named ${quote(question.name)}; enrolment rules that match it: ${names}`,
    )
  }
  return applying
}

function filterClaims(
  accepted: readonly Attribute[],
  rules: readonly EnrolmentRule[],
  dropped: DroppedAttribute[],
): Attribute[] {
  return accepted.filter(({ key, value }) => {
    const against = rules.find(({ spec }) => !ruleAllowsClaim(spec, key, value))
    if (against === undefined) return true
    dropped.push({ key, reason: `enrolment rule ${against.name} does not list this value` })
    return false
  })
}

function assignedByRules(rules: readonly EnrolmentRule[], seen: TrustProfile): Attribute[] {
  const labels: Attribute[] = []
  const setBy = new Map<string, { readonly rule: string; readonly values: string }>()
  for (const { name, spec } of rules) {
    for (const [key, values] of spec.assign ?? []) {
      const spelled = values.join(', ')
      const known = setBy.get(key)
      if (known !== undefined && known.values !== spelled) {
        throw new ControllerError(
          'ERR_PRECONDITION',
          `enrolment rules ${known.rule} and ${name} assign different values to ${key}`,
        )
      }
      setBy.set(key, { rule: name, values: spelled })
      labels.push(...labelsOf(key, values, matchedProvenance(spec.match, seen)))
    }
  }
  return labels
}

/** Assignments see what the rules made, and not each other: their order must not matter. */
function assignedByDocuments(
  assignments: readonly LabelAssignment[],
  profile: TrustProfile,
): Attribute[] {
  return assignments.flatMap(({ spec }) => {
    const matched = matchedProvenance(spec.select, profile)
    if (matched === undefined) return []
    return Array.from(spec.labels, ([key, values]) => labelsOf(key, values, matched)).flat()
  })
}

function labelsOf(
  key: string,
  values: readonly string[],
  matched: ReturnType<typeof matchedProvenance>,
): Attribute[] {
  if (matched === undefined) throw new Error('BUG: labels of a rule that does not match')
  const provenance = labelProvenance(matched)
  return values.map((value) => ({ key, value, provenance }))
}

function lifeOf(rules: readonly EnrolmentRule[], { ttlMs, minTtlMs }: AdmissionQuestion): number {
  return Math.max(minTtlMs, Math.min(ttlMs, ...rules.map(({ spec }) => spec.ttl ?? ttlMs)))
}
