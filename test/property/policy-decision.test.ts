import { expect } from 'chai'
import fc from 'fast-check'
import { compilePolicies, explain, matchesSelector } from '../../src/policy/index.ts'
import { policies, ports, profiles, times } from '../support/policy-arbitraries.ts'
import { oracle, selects } from '../support/policy-oracle.ts'
import { propertyRuns } from '../support/property-runs.ts'

const questions = fc.record({ from: profiles, to: profiles, port: ports, now: times })
const manyQuestions = fc.array(questions, { minLength: 1, maxLength: 8 })

const allowedReasons = { allow: 'allowed-by-policy', deny: 'denied-by-policy' } as const

describe('decide() against the oracle', function () {
  this.timeout(30_000)

  it('gives the oracle’s answer, whatever was asked before', () => {
    fc.assert(
      fc.property(policies, manyQuestions, (documents, asked) => {
        const set = compilePolicies(documents)
        // Twice, so that the second round is answered from what is remembered.
        for (const question of [...asked, ...asked]) {
          const expected = oracle(documents, question)
          const verdict = set.decide(question)
          const reason =
            expected.policy === undefined ? 'no-policy-matched' : allowedReasons[verdict.action]
          expect(verdict).to.deep.include({ ...expected, reason })
        }
      }),
      propertyRuns(100),
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
      fc.property(shuffled, questions, ([documents, others], question) => {
        const verdict = compilePolicies(documents).decide(question)
        expect(compilePolicies(others).decide(question)).to.deep.equal(verdict)
      }),
      propertyRuns(),
    )
  })

  it('holds until its deadline, and not at it where that ends the deciding policy', () => {
    fc.assert(
      fc.property(policies, questions, (documents, question) => {
        const { deadline, ...verdict } = compilePolicies(documents).decide(question)
        for (const now of [question.now, 1_000, 2_000, 3_000, 9_000]) {
          if (now < question.now || now >= (deadline ?? Infinity)) continue
          const { action, policy, encryption, observed } = verdict
          expect(oracle(documents, { ...question, now })).to.deep.equal({
            action,
            policy,
            encryption,
            observed,
          })
        }
      }),
      propertyRuns(),
    )
  })

  it('is explained by clauses that agree with it', () => {
    fc.assert(
      fc.property(policies, questions, (documents, question) => {
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
          const { policy, observed } = oracle(document, question)
          expect(matched).to.equal(policy !== undefined || observed.length > 0)
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
          .filter(({ spec }) => selects(spec.from, profile) || selects(spec.to, profile))
          .map(({ name }) => name)
        const relevant = compilePolicies(documents).relevantFor(profile)
        expect(relevant.map(({ name }) => name)).to.have.members(expected)
      }),
      propertyRuns(),
    )
  })

  it('decides alike with only the policies that are relevant for one of the ends', () => {
    fc.assert(
      fc.property(policies, questions, (documents, question) => {
        const whole = compilePolicies(documents)
        for (const end of [question.from, question.to]) {
          const part = compilePolicies(whole.relevantFor(end))
          expect(part.decide(question)).to.deep.equal(whole.decide(question))
        }
      }),
      propertyRuns(),
    )
  })
})

describe('matchesSelector() against the oracle', function () {
  this.timeout(30_000)

  it('gives the oracle’s answer', () => {
    fc.assert(
      fc.property(policies, profiles, (documents, profile) => {
        for (const { spec } of documents) {
          expect(matchesSelector(spec.from, profile)).to.equal(selects(spec.from, profile))
        }
      }),
      propertyRuns(),
    )
  })
})
