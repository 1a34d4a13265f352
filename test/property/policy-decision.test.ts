import { expect } from 'chai'
import fc from 'fast-check'
import {
  compilePolicies,
  explain,
  matchesSelector,
  SubsetIndex,
  type DecisionDocument,
  type Question,
  type Selector,
} from '../../src/policy/index.ts'
import {
  httpRequests,
  outsiders,
  policies,
  ports,
  profiles,
  times,
} from '../support/policy-arbitraries.ts'
import { matches, oracle, selects } from '../support/policy-oracle.ts'
import { propertyRuns } from '../support/property-runs.ts'

const questions = fc.record({ from: profiles, to: profiles, port: ports, now: times })
/** Requests are on TCP ports only. */
const onTcp = <Q extends { port: number }>(question: Q): Q => ({
  ...question,
  port: question.port > 65_535 ? 80 : question.port,
})
const outside = fc
  .tuple(questions, outsiders, fc.boolean())
  .map(([question, outsider, isSource]) =>
    isSource ? { ...question, from: outsider } : { ...question, to: outsider },
  )
const anyQuestion = fc.oneof({ weight: 2, arbitrary: questions }, outside)
const manyQuestions = fc.array(anyQuestion, { minLength: 1, maxLength: 8 })

function selectorsOf(document: DecisionDocument): readonly Selector[] {
  if (document.kind === 'Observe') return [document.spec.scope]
  return [document.spec.from, document.spec.to]
}

function isMatch(document: DecisionDocument, question: Question): boolean {
  if (document.kind !== 'Observe') return matches(document, question)
  return oracle([document], question).action === 'allow'
}

describe('decide() against the oracle', function () {
  this.timeout(30_000)

  it('gives the oracle’s answer, whatever was asked before', () => {
    fc.assert(
      fc.property(policies, manyQuestions, (documents, asked) => {
        const set = compilePolicies(documents)
        // Twice, so that the second round is answered from what is remembered.
        for (const question of [...asked, ...asked]) {
          const expected = oracle(documents, question)
          expect(set.decide(question)).to.deep.include(expected)
        }
      }),
      propertyRuns(100),
    )
  })

  it('gives the oracle’s answer on each request, whatever was asked before', () => {
    const requests = fc.array(httpRequests, { minLength: 1, maxLength: 4 })
    fc.assert(
      fc.property(policies, manyQuestions, requests, (documents, asked, sent) => {
        const set = compilePolicies(documents)
        for (const question of asked.map(onTcp)) {
          set.decide(question)
          for (const request of sent) {
            const expected = oracle(documents, { ...question, request })
            expect(set.decideRequest(question, request)).to.deep.include(expected)
          }
        }
      }),
      propertyRuns(100),
    )
  })

  it('opens a connection wherever it would allow a request', () => {
    fc.assert(
      fc.property(
        policies,
        anyQuestion.map(onTcp),
        httpRequests,
        (documents, question, request) => {
          const set = compilePolicies(documents)
          if (set.decideRequest(question, request).action === 'deny') return
          // Strictest encryption may keep out who is outside; then not even that request would pass.
          const { action, reason } = set.decide(question)
          expect(action === 'allow' || reason === 'encryption-required').to.equal(true)
        },
      ),
      propertyRuns(),
    )
  })

  it('decides requests like the connection where no http rule is in force', () => {
    fc.assert(
      fc.property(
        policies,
        anyQuestion.map(onTcp),
        httpRequests,
        (documents, question, request) => {
          const set = compilePolicies(documents)
          if (set.readsRequests(question.to, question.port, question.now)) return
          expect(set.decideRequest(question, request)).to.deep.equal(set.decide(question))
        },
      ),
      propertyRuns(),
    )
  })

  it('gives the same answer with hardly any memory', () => {
    fc.assert(
      fc.property(policies, manyQuestions, (documents, asked) => {
        const set = compilePolicies(documents, { profiles: 2, verdicts: 1 })
        for (const question of [...asked, ...asked]) {
          expect(set.decide(question)).to.deep.include(oracle(documents, question))
        }
      }),
      propertyRuns(100),
    )
  })

  it('never depends on the order of the documents', () => {
    const shuffled = policies.chain((documents) =>
      fc.tuple(
        fc.constant(documents),
        fc.shuffledSubarray(documents, { minLength: documents.length }),
      ),
    )
    fc.assert(
      fc.property(shuffled, anyQuestion, ([documents, others], question) => {
        const verdict = compilePolicies(documents).decide(question)
        expect(compilePolicies(others).decide(question)).to.deep.equal(verdict)
      }),
      propertyRuns(),
    )
  })

  it('holds until its deadline, and not at it where that ends the deciding policy', () => {
    fc.assert(
      fc.property(policies, anyQuestion, (documents, question) => {
        const { deadline, ...verdict } = compilePolicies(documents).decide(question)
        for (const now of [question.now, 1_000, 2_000, 3_000, 9_000]) {
          if (now < question.now || now >= (deadline ?? Infinity)) continue
          expect(oracle(documents, { ...question, now })).to.deep.equal(verdict)
        }
      }),
      propertyRuns(),
    )
  })

  it('is explained by clauses that agree with it', () => {
    fc.assert(
      fc.property(policies, anyQuestion, (documents, question) => {
        const {
          verdict,
          policies: explained,
          nearestMiss,
        } = explain(compilePolicies(documents), question)
        expect(verdict).to.deep.include(oracle(documents, question))
        expect(explained).to.have.length(documents.length)
        if (verdict.policy !== undefined) expect(explained[0]).to.include({ name: verdict.policy })
        for (const { name, matched, clauses } of explained) {
          const document = documents.filter((each) => each.name === name)
          expect(matched).to.equal(document.some((each) => isMatch(each, question)))
          const misses = clauses.flatMap((clause) => clause.misses)
          expect(misses.length === 0).to.equal(matched)
        }
        expect(nearestMiss !== undefined).to.equal(verdict.action === 'deny')
      }),
      propertyRuns(),
    )
  })

  it('finds exactly the policies that can match a workload at either end', () => {
    fc.assert(
      fc.property(policies, profiles, (documents, profile) => {
        const expected = documents
          .filter((each) => selectorsOf(each).some((selector) => selects(selector, profile)))
          .map(({ name }) => name)
        const relevant = compilePolicies(documents).relevantFor(profile)
        expect(relevant.map(({ name }) => name)).to.have.members(expected)
      }),
      propertyRuns(),
    )
  })

  it('decides alike with only the policies that are relevant for one of the ends', () => {
    fc.assert(
      fc.property(policies, anyQuestion, (documents, question) => {
        const whole = compilePolicies(documents)
        for (const end of [question.from, question.to]) {
          if (end.entries.has('external.name')) continue
          const part = compilePolicies(whole.relevantFor(end))
          expect(part.decide(question)).to.deep.equal(whole.decide(question))
        }
      }),
      propertyRuns(),
    )
  })
})

describe('SubsetIndex', function () {
  this.timeout(30_000)

  it('holds what a full rebuild would, after any edits, and names whom each one concerns', () => {
    const edits = fc.array(fc.tuple(fc.nat(), fc.nat(), fc.boolean()), { maxLength: 12 })
    const fleet = fc.array(profiles, { minLength: 1, maxLength: 5 })
    fc.assert(
      fc.property(policies, policies, fleet, edits, (documents, others, members, changes) => {
        const index = new SubsetIndex(documents)
        for (const [at, profile] of members.entries()) index.join(String(at), profile)
        const inForce = new Map(documents.map((each) => [`${each.kind} ${each.name}`, each]))
        for (const [pick, by, isRemoval] of changes) {
          const before = isRemoval ? [...inForce.values()][pick % inForce.size] : undefined
          const after = isRemoval ? undefined : others[by % others.length]
          const old = members.map((_, at) => new Set(index.subsetOf(String(at))))
          if (before !== undefined) inForce.delete(`${before.kind} ${before.name}`)
          if (after !== undefined) inForce.set(`${after.kind} ${after.name}`, after)
          const affected = index.edit(before, after)
          const whole = compilePolicies(inForce.values())
          for (const [at, profile] of members.entries()) {
            const subset = [...(index.subsetOf(String(at)) ?? [])]
            expect(subset).to.have.members(whole.relevantFor(profile))
            const isOther = !old[at]!.isSubsetOf(new Set(subset)) || old[at]!.size !== subset.length
            if (isOther) expect(affected).to.include(String(at))
          }
        }
      }),
      propertyRuns(),
    )
  })

  it('follows workloads that get another profile, and forgets those that leave', () => {
    fc.assert(
      fc.property(policies, fc.array(profiles, { minLength: 1 }), (documents, several) => {
        const index = new SubsetIndex(documents)
        const whole = compilePolicies(documents)
        for (const profile of several) {
          index.join('w', profile)
          expect([...index.subsetOf('w')!]).to.have.members(whole.relevantFor(profile))
        }
        index.leave('w')
        expect(index.subsetOf('w')).to.equal(undefined)
        expect(documents.flatMap((document) => index.edit(document, undefined))).to.deep.equal([])
      }),
      propertyRuns(50),
    )
  })
})

describe('matchesSelector() against the oracle', function () {
  this.timeout(30_000)

  it('gives the oracle’s answer', () => {
    fc.assert(
      fc.property(policies, profiles, (documents, profile) => {
        for (const selector of documents.flatMap(selectorsOf)) {
          expect(matchesSelector(selector, profile)).to.equal(selects(selector, profile))
        }
      }),
      propertyRuns(),
    )
  })
})
