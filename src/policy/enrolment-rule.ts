import { checkValue, matchesPattern, sidecarProvenance } from '../identity/attributes.ts'
import { families } from '../identity/families.ts'
import { didYouMean } from './did-you-mean.ts'
import { durationShape } from './duration.ts'
import { matchesGlob } from './glob.ts'
import { instantShape } from './instant.ts'
import type { DocumentOf, Kind } from './kind.ts'
import { labelsShape, type Labels } from './labels.ts'
import { fieldLimits } from './limits.ts'
import { optional, record, required, withDefault } from './record.ts'
import type { Selector } from './selector.ts'
import { selectorShape } from './selector-shape.ts'
import { mapOf, oneOf, oneOrSetOf, setOf, text, wholeNumber, type Shape } from './shape.ts'

/** Which observed and claimed attributes stand: key or key pattern to value patterns. */
export type Claims = ReadonlyMap<string, readonly string[]>

/** Who may join and what stands of what they say (PROTOCOL §3, "Enrolment rules"). */
export interface EnrolmentRuleSpec {
  readonly match: Selector
  /** Patterns of the workload names that a matching node may host. */
  readonly names: readonly string[]
  /** Longest SVID life in milliseconds; undefined: the controller's default. */
  readonly ttl: number | undefined
  /** Labels that a matching workload gets. */
  readonly assign: Labels | undefined
  /** Undefined: nothing that is only observed or claimed stands. */
  readonly claims: Claims | undefined
  /** Node keys that one node may bind. */
  readonly keysPerNode: number
  /** Proofs that a node has to give beside its evidence. */
  readonly require: readonly Requirement[] | undefined
  /** Forms of an instance identity document that are taken; undefined: `rsa2048` alone. */
  readonly forms: readonly DocumentForm[] | undefined
  /** How old an instance's pending time may be when it enrols first, in ms; undefined: 15 minutes. */
  readonly firstEnrolmentWithin: number | undefined
  /** Milliseconds since the epoch from which on it has no effect. */
  readonly expires: number | undefined
}

/** Proofs beside the evidence: a signed GetCallerIdentity of the instance's role, and a look at EC2. */
export const requirements = ['sts-proof', 'ec2'] as const
export type Requirement = (typeof requirements)[number]

/** Signed forms of an instance identity document; all but the first are by keys that many regions share. */
export const documentForms = ['rsa2048', 'pkcs7', 'signature'] as const
export type DocumentForm = (typeof documentForms)[number]

/** The longest time after which an instance may still enrol first by its document alone (PROTOCOL §3). */
export const longestFirstEnrolmentMs: number = 15 * 60_000

export type EnrolmentRule = DocumentOf<'EnrolmentRule', EnrolmentRuleSpec>

const hourMs = 3_600_000

const namePattern: Shape<string> = text({
  expects: 'a workload name, in which "*" stands for any characters',
  parse: (pattern) =>
    pattern.length <= fieldLimits.nameLength && /^[a-z0-9*][a-z0-9._*-]*$/.test(pattern)
      ? pattern
      : undefined,
  write: (pattern) => pattern,
})

const claimKey: Shape<string> = text({
  expects: 'an attribute key that a sidecar may report, or a family of them such as "os.*"',
  parse: (key) => (isReportable(key) ? key : undefined),
  hint: (key) => didYouMean(key, reportable()),
  write: (key) => key,
})

function isReportable(key: string): boolean {
  if (key.endsWith('.*')) return reportable().some((known) => matchesPattern(known, key))
  return sidecarProvenance(key) !== undefined
}

function reportable(): string[] {
  return families.filter(({ bySidecar }) => bySidecar).map(({ key }) => key)
}

const claimValue: Shape<string> = text({
  expects: 'an attribute value, in which "*" stands for any characters',
  parse: (pattern) => (isValuePattern(pattern) ? pattern : undefined),
  write: (pattern) => pattern,
})

function isValuePattern(pattern: string): boolean {
  try {
    checkValue(pattern)
    return true
  } catch {
    // The shape says what was expected and seen.
    return false
  }
}

export const enrolmentRuleKind: Kind<'EnrolmentRule', EnrolmentRuleSpec> = {
  kind: 'EnrolmentRule',
  spec: record<EnrolmentRuleSpec>({
    expects: 'the spec of an EnrolmentRule',
    fields: {
      // PROTOCOL §1: rules select on signed, described or assigned keys unless they say `@observed`.
      match: required(selectorShape('assigned')),
      names: required(setOf(namePattern, fieldLimits.namePatterns)),
      ttl: optional(durationShape(10_000, 24 * hourMs)),
      assign: optional(labelsShape),
      claims: optional(
        mapOf(claimKey, oneOrSetOf(claimValue, fieldLimits.claimValues), fieldLimits.claimKeys),
      ),
      keysPerNode: withDefault(wholeNumber(1, 1_000), 1),
      require: optional(setOf(oneOf(requirements), requirements.length)),
      forms: optional(setOf(oneOf(documentForms), documentForms.length)),
      firstEnrolmentWithin: optional(durationShape(10_000, longestFirstEnrolmentMs)),
      expires: optional(instantShape),
    },
  }),
}

/** Whether the rule lets a node host a workload of this name. */
export function ruleAllowsName({ names }: EnrolmentRuleSpec, name: string): boolean {
  return names.some((pattern) => matchesGlob(pattern, name))
}

/** Whether the rule takes an instance identity document in this form. */
export function ruleTakesForm({ forms }: EnrolmentRuleSpec, form: DocumentForm): boolean {
  return forms === undefined ? form === 'rsa2048' : forms.includes(form)
}

/** Whether a value that is only observed or claimed stands under the rule; what it does not name does not. */
export function ruleAllowsClaim(
  { claims }: EnrolmentRuleSpec,
  key: string,
  value: string,
): boolean {
  for (const [pattern, values] of claims ?? []) {
    if (!matchesPattern(key, pattern)) continue
    if (values.some((allowed) => matchesGlob(allowed, value))) return true
  }
  return false
}
