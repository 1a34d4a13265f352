import type { TrustProfile } from '../../src/identity/profile.ts'
import {
  compilePolicies,
  parseDocuments,
  SubsetIndex,
  type PolicyDocument,
  type Question,
} from '../../src/policy/index.ts'
import { fleetPolicies, fleetPorts, fleetProfiles, sequence } from '../fixtures/policy-fleet.ts'
import { rateRow } from '../rates.ts'
import { quantile, rowOf, type BenchContext, type Row } from '../row.ts'

const workloads = 2_000
const most = 10_000
const now = Date.UTC(2027, 0, 1)
const perSecond = 1_500_000

/** What all rows are about. */
interface Fleet {
  readonly profiles: readonly TrustProfile[]
  readonly documents: readonly PolicyDocument[]
  /** Pairs at random, many more than the processor keeps close. */
  readonly pairs: readonly Question[]
}

/** Decisions, edits and rebuilds over 2,000 workloads of 40 attributes. */
export async function run(context: BenchContext): Promise<Row[]> {
  const profiles = fleetProfiles(workloads)
  const pairs = randomPairs(profiles, 65_536)
  const fleet = { profiles, documents: fleetPolicies(most, workloads), pairs }
  return [
    ...cachedRows(context, fleet),
    ...uncachedRows(context, fleet),
    ...conditionRows(context, fleet),
    ...editRows(context, fleet),
    rebuildRow(context, fleet),
  ]
}

function randomPairs(profiles: readonly TrustProfile[], count: number): Question[] {
  const random = sequence(42)
  return Array.from({ length: count }, () => ({
    from: pick(profiles, random),
    to: pick(profiles, random),
    port: pick(fleetPorts, random),
    now,
  }))
}

function pick<T>(list: readonly T[], random: (below: number) => number): T {
  const item = list[random(list.length)]
  if (item === undefined) throw new Error('expected a list that is not empty')
  return item
}

/** What one sidecar asks: its own workload at one end, any of the fleet at the other, in any order. */
function questionsOfSidecar({ pairs }: Fleet): Question[] {
  const [own] = pairs
  if (own === undefined) return []
  return pairs
    .slice(0, 16_384)
    .map((question, at) =>
      at % 2 === 0 ? { ...question, from: own.from } : { ...question, to: own.from },
    )
}

function cachedRows(context: BenchContext, fleet: Fleet): Row[] {
  const set = compilePolicies(fleet.documents)
  const decide = (question: Question): unknown => set.decide(question)
  const ofOne = 'one workload and 2,000 peers on four ports, as a sidecar asks'
  const ofAll = '65,536 pairs out of four million: bound by memory, and more than any sidecar asks'
  return [
    rateRow(
      context,
      { test: 'decision, cached', target: 8_000_000, note: ofOne },
      questionsOfSidecar(fleet),
      decide,
    ),
    rateRow(context, { test: 'decision, cached, random pairs', note: ofAll }, fleet.pairs, decide),
  ]
}

function uncachedRows(context: BenchContext, { documents, pairs }: Fleet): Row[] {
  return [10, 1_000, most].map((count) => {
    const set = compilePolicies(documents.slice(0, count), { verdicts: 0 })
    const aim = count === most ? { target: perSecond } : {}
    const test = `decision, not cached, ${count.toLocaleString('en-US')} policies`
    return rateRow(context, { test, ...aim }, pairs, (question) => set.decide(question))
  })
}

/** Conditions cost those who have one. */
function conditionRows(context: BenchContext, { documents, pairs }: Fleet): Row[] {
  const other = { 'label.app': 'other' }
  const aside = extra('NetworkPolicy', 100, {
    from: other,
    to: other,
    action: 'allow',
    when: "same('aws.account')",
  })
  const beside = compilePolicies([...documents, ...aside], { verdicts: 0 })
  const everywhere = extra('Guardrail', 1, { when: "!same('aws.region')", encryption: 'required' })
  const under = compilePolicies([...documents, ...everywhere], { verdicts: 0 })
  return [
    rateRow(
      context,
      { test: 'decision, not cached, beside 100 policies with conditions', target: perSecond },
      pairs,
      (question) => beside.decide(question),
    ),
    rateRow(
      context,
      { test: 'decision, not cached, under a conditional guardrail for every pair' },
      pairs.slice(0, 8_192),
      (question) => under.decide(question),
    ),
  ]
}

function extra(kind: string, count: number, spec: object): PolicyDocument[] {
  const texts = Array.from({ length: count }, (_, at) => ({ kind, name: `x${String(at)}`, spec }))
  return parseDocuments(JSON.stringify(texts))
}

/** One policy changed: until the subset of every workload that it concerns is current. */
function editRows(context: BenchContext, { documents, profiles }: Fleet): Row[] {
  context.say('edits')
  const index = new SubsetIndex(documents)
  for (const [at, profile] of profiles.entries()) index.join(String(at), profile)
  const random = sequence(7)
  const current = [...documents]
  const [durations, touched]: [number[], number[]] = [[], []]
  // The first thousand run before the code is compiled.
  for (let edit = -1_000; edit < (context.isQuick ? 100 : 4_000); edit++) {
    const at = random(current.length)
    const [before, other] = [current[at], pick(current, random)]
    if (before?.kind !== 'NetworkPolicy' || other.kind !== 'NetworkPolicy') continue
    const after: PolicyDocument = { ...before, spec: other.spec }
    const start = performance.now()
    const affected = index.edit(before, after)
    if (edit >= 0) {
      durations.push(performance.now() - start)
      touched.push(affected.length)
    }
    current[at] = after
  }
  const test = 'one edit to all affected subsets'
  const note = 'of 10,000 policies and 2,000 workloads'
  const p99 = quantile(
    durations.toSorted((a, b) => a - b),
    0.99,
  )
  const measure = { test, unit: 'ms', better: 'less', note } as const
  const median = rowOf({ ...measure, metric: 'median' }, durations)
  return [
    { ...median, metric: 'p99', ours: p99, target: 1, met: p99 <= 1 },
    median,
    rowOf({ ...measure, metric: 'subsets touched', unit: '', better: 'less' }, touched),
  ]
}

/** From parsed documents to the subset of every workload. */
function rebuildRow(context: BenchContext, { documents, profiles }: Fleet): Row {
  const test = 'full rebuild'
  context.say(test)
  const durations = Array.from({ length: context.isQuick ? 3 : 11 }, () => {
    const start = performance.now()
    const set = compilePolicies(documents)
    for (const profile of profiles) set.relevantFor(profile)
    return performance.now() - start
  })
  const note = '10,000 policies, and the subsets of 2,000 workloads'
  const measure = { test, metric: 'duration', unit: 'ms', better: 'less', target: 150 } as const
  // The first two run before the code is compiled.
  return rowOf({ ...measure, note }, durations.slice(2))
}
