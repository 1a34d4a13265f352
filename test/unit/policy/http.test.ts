import { expect } from 'chai'
import { createProfile, type TrustProfile } from '../../../src/identity/profile.ts'
import {
  compilePolicies,
  decodeDocument,
  documentSchemaVersion,
  encodeSpec,
  explain,
  parseDocuments,
  PolicyError,
  requiredSchema,
  type HttpRequest,
} from '../../../src/policy/index.ts'
import { matchesPath, parsePathGlob } from '../../../src/policy/path-glob.ts'

const app = (name: string): TrustProfile =>
  createProfile([{ key: 'label.app', value: name, provenance: 'assigned' }]).profile

const [web, batch, db] = [app('web'), app('batch'), app('db')]
const ends = { from: { 'label.app': 'web' }, to: { 'label.app': 'db' }, ports: ['tcp/80'] }
const question = { from: web, to: db, port: 80, now: 0 }

const written = (name: string, spec: object): object => ({ kind: 'NetworkPolicy', name, spec })
const setOf = (...documents: object[]): ReturnType<typeof compilePolicies> =>
  compilePolicies(parseDocuments(JSON.stringify(documents)))

/** `GET orders/a-path`, with header lines. */
function request(line: string, headers: Record<string, string[]> = {}): HttpRequest {
  const [method = '', target = ''] = line.split(' ')
  const [host = '', ...path] = target.split('/')
  return { method, host, path, headers: new Map(Object.entries(headers)) }
}

const rulesOf = (...http: object[]) => setOf(written('a', { ...ends, action: 'allow', http }))

function problemsOf(spec: object): string[] {
  try {
    parseDocuments(JSON.stringify([written('p', spec)]), 'f')
  } catch (error: unknown) {
    if (error instanceof PolicyError) return error.problems.map(({ message }) => message)
    throw error
  }
  return []
}

describe('http rules', () => {
  it('are written back as they were read, as a set', () => {
    const spec = {
      ...ends,
      action: 'allow',
      http: [
        { paths: ['/b', '/a'], methods: ['POST', 'GET', 'GET'] },
        { hosts: ['*.a.test'], headers: { 'x-b': ['2', '1'], 'x-a': '1' } },
        { methods: ['GET', 'POST'], paths: ['/a', '/b'] },
      ],
    }
    const [document] = parseDocuments(JSON.stringify([written('p', spec)]))
    if (document?.kind !== 'NetworkPolicy') throw new Error('expected a policy')
    const text = encodeSpec(document)
    expect(JSON.parse(Buffer.from(text).toString()))
      .to.have.property('http')
      .that.deep.equals([
        { headers: { 'x-a': '1', 'x-b': ['1', '2'] }, hosts: ['*.a.test'] },
        { methods: ['GET', 'POST'], paths: ['/a', '/b'] },
      ])
    const { kind, name, namespace } = document
    expect(decodeDocument({ kind, name, namespace, specJson: text })).to.deep.equal(document)
  })

  const refusals: readonly (readonly [rule: object, words: string])[] = [
    [{}, 'an empty rule is every request'],
    [{ verbs: ['GET'] }, 'unknown field "verbs"'],
    [{ methods: [] }, 'got none'],
    [{ methods: ['get'] }, 'expected GET | HEAD'],
    [{ methods: ['CONNECT'] }, 'expected GET | HEAD'],
    [{ hosts: ['Orders'] }, 'a lower-case host name without a port'],
    [{ hosts: ['orders:80'] }, 'a lower-case host name without a port'],
    [{ hosts: ['*'] }, 'a lower-case host name without a port'],
    [{ paths: ['orders'] }, 'it has to begin with "/"'],
    [{ paths: ['/a/../b'] }, 'dot segments'],
    [{ paths: ['/a//b'] }, 'dot segments or "//"'],
    [{ paths: ['/a;b'] }, 'no path with such a character'],
    [{ paths: ['/a?b'] }, 'no path with such a character'],
    [{ paths: ['/%61'] }, 'paths are compared decoded'],
    [{ paths: ['/a**'] }, '"**" has to be a whole segment'],
    [{ paths: [`/${'a/'.repeat(64)}`] }, 'too many segments'],
    [{ headers: { 'X-A': '1' } }, 'a header name of lower-case letters'],
    [{ headers: { x_a: '1' } }, 'a header name of lower-case letters'],
    [{ headers: { host: 'a' } }, 'that one cannot be asked for'],
    [{ headers: { 'x-forwarded-client-cert': 'a' } }, 'that one cannot be asked for'],
    [{ headers: { 'x-a': ' 1' } }, 'a header value'],
  ]
  for (const [rule, words] of refusals) {
    it(`refuse ${JSON.stringify(rule).slice(0, 60)}`, () => {
      const problems = problemsOf({ ...ends, action: 'allow', http: [rule] })
      expect(problems).to.have.length(1)
      expect(problems[0]).to.include(words)
    })
  }

  it('need ports, an effect, and workloads to read them', () => {
    const http = [{ methods: ['GET'] }]
    const { ports, ...anyPort } = ends
    expect(ports).to.have.length(1)
    const all = { ...anyPort, action: 'deny', mode: 'observe', to: { external: {} }, http }
    expect(problemsOf(all).join('\n'))
      .to.include('has to name its "ports"')
      .and.include('"mode: observe" has no effect')
      .and.include('"to" has to select workloads')
  })

  it('need a sidecar that knows them', () => {
    const [document] = parseDocuments(
      JSON.stringify([written('p', { ...ends, action: 'allow', http: [{ paths: ['/**'] }] })]),
    )
    if (document === undefined) throw new Error('expected a document')
    expect(requiredSchema(document)).to.equal(4)
    expect(documentSchemaVersion).to.be.at.least(4)
  })
})

describe('decideRequest()', () => {
  const byRule: readonly (readonly [
    rule: object,
    allowed: HttpRequest[],
    denied: HttpRequest[],
  ])[] = [
    [{ methods: ['GET'] }, [request('GET h/')], [request('HEAD h/'), request('POST h/')]],
    [
      { hosts: ['a.test', '*.b.test'] },
      [request('GET a.test/'), request('GET x.y.b.test/')],
      [request('GET b.test/'), request('GET xa.test/'), request('GET /')],
    ],
    [
      { paths: ['/orders/*'], methods: ['GET', 'POST'] },
      [request('GET h/orders/7'), request('POST h/orders/')],
      [request('GET h/orders'), request('GET h/orders/7/lines'), request('PUT h/orders/7')],
    ],
    [
      { headers: { 'x-tenant': ['a', 'b'] } },
      [request('GET h/', { 'x-tenant': ['a'] }), request('GET h/', { 'x-tenant': ['a', 'b'] })],
      [
        request('GET h/'),
        request('GET h/', { 'x-tenant': ['c'] }),
        request('GET h/', { 'x-tenant': ['a', 'c'] }),
        request('GET h/', { 'x-tenant': ['a, b'] }),
      ],
    ],
  ]
  for (const [rule, allowed, denied] of byRule) {
    it(`allows exactly what meets ${JSON.stringify(rule)}`, () => {
      const set = rulesOf(rule)
      for (const each of allowed) {
        expect(set.decideRequest(question, each)).to.include({ action: 'allow', policy: 'a' })
      }
      for (const each of denied) {
        const reason = 'no-policy-matched'
        expect(set.decideRequest(question, each)).to.include({ action: 'deny', reason })
      }
    })
  }

  it('allows what meets one of several rules', () => {
    const set = rulesOf({ methods: ['GET'] }, { paths: ['/a'] })
    expect(set.decideRequest(question, request('POST h/a')).action).to.equal('allow')
    expect(set.decideRequest(question, request('POST h/b')).action).to.equal('deny')
  })

  it('lets a deny decide by any line and any part of a header', () => {
    const http = [{ headers: { 'x-tenant': 'a' } }]
    const all = { ...ends, action: 'allow' }
    const set = setOf(written('all', all), written('no', { ...ends, action: 'deny', http }))
    for (const lines of [['a'], ['b', 'a'], ['b, a'], ['a,b']]) {
      const verdict = set.decideRequest(question, request('GET h/', { 'x-tenant': lines }))
      expect(verdict).to.include({ action: 'deny', reason: 'denied-by-policy', policy: 'no' })
    }
    const other = request('GET h/', { 'x-tenant': ['ab'] })
    expect(set.decideRequest(question, other).action).to.equal('allow')
  })

  it('allows every request by an allow without rules, and denies any by a deny without', () => {
    const all = written('all', { ...ends, action: 'allow' })
    const some = written('some', { ...ends, action: 'allow', http: [{ paths: ['/a'] }] })
    expect(setOf(all, some).decideRequest(question, request('GET h/b'))).to.include({
      action: 'allow',
      policy: 'all',
    })
    const none = written('none', { ...ends, action: 'deny' })
    expect(setOf(some, none).decideRequest(question, request('GET h/a')).action).to.equal('deny')
  })

  it('is bound by guardrails, and by conditions that are unknown', () => {
    const some = written('some', { ...ends, action: 'allow', http: [{ paths: ['/a'] }] })
    const guardrail = { kind: 'Guardrail', name: 'g', spec: { action: 'deny' } }
    expect(setOf(some, guardrail).decideRequest(question, request('GET h/a'))).to.include({
      action: 'deny',
      reason: 'guardrail',
    })
    const when = "one(from, 'label.env') == 'x'"
    const unknown = written('no', { ...ends, action: 'deny', when, http: [{ paths: ['/a'] }] })
    const all = written('all', { ...ends, action: 'allow' })
    const set = setOf(all, unknown)
    expect(set.decideRequest(question, request('GET h/a')).reason).to.equal('condition-unknown')
    expect(set.decideRequest(question, request('GET h/b')).action).to.equal('allow')
  })
})

describe('a connection to a port with http rules', () => {
  const http = [{ paths: ['/a'] }]

  it('opens where an allow could match a request, and a deny with rules does not keep it shut', () => {
    const allow = written('allow', { ...ends, action: 'allow', http })
    const deny = written('deny', { ...ends, action: 'deny', http })
    expect(setOf(allow, deny).decide(question)).to.include({ action: 'allow', policy: 'allow' })
    expect(setOf(deny).decide(question).reason).to.equal('no-policy-matched')
    expect(setOf(allow, deny).decide({ ...question, from: batch }).action).to.equal('deny')
  })

  it('is in HTTP mode for all peers, on that port of that workload, until the policy expires', () => {
    const expires = new Date(1_000).toISOString()
    const set = setOf(written('p', { ...ends, action: 'deny', http, expires }))
    expect(set.readsRequests(db, 80, 0)).to.equal(true)
    expect(set.readsRequests(db, 81, 0)).to.equal(false)
    expect(set.readsRequests(web, 80, 0)).to.equal(false)
    expect(set.readsRequests(db, 80, 1_000)).to.equal(false)
    expect(setOf(written('p', { ...ends, action: 'deny' })).readsRequests(db, 80, 0)).to.equal(
      false,
    )
  })

  it('is explained by what its requests still have to meet', () => {
    const allow = explain(setOf(written('p', { ...ends, action: 'allow', http })), question)
    expect(allow.policies[0]?.because).to.include('each request on it has to meet an http rule')
    const deny = explain(setOf(written('p', { ...ends, action: 'deny', http })), question)
    expect(deny.policies[0]).to.include({ matched: false })
    expect(deny.policies[0]?.because).to.include('denies requests by their http rules')
  })
})

describe('matchesPath()', () => {
  const fits: readonly (readonly [glob: string, paths: string[], others: string[]])[] = [
    ['/', ['/'], ['/a']],
    ['/a', ['/a'], ['/', '/A', '/a/', '/ab']],
    ['/a/*', ['/a/', '/a/b'], ['/a', '/a/b/', '/a/b/c']],
    ['/a/**', ['/a', '/a/', '/a/b', '/a/b/c/'], ['/ab', '/b/a']],
    ['/**', ['/', '/a', '/a/b'], []],
    ['/**/z', ['/z', '/a/z', '/a/b/z', '/z/z'], ['/z/', '/az']],
    ['/a*c/**/d', ['/ac/d', '/abc/x/d', '/abc/d/d'], ['/a/c/d', '/abc']],
  ]
  for (const [glob, paths, others] of fits) {
    it(`takes ${glob} for what it says`, () => {
      const isMatch = (path: string): boolean =>
        matchesPath(parsePathGlob(glob), path.slice(1).split('/'))
      expect(paths.filter((path) => !isMatch(path))).to.deep.equal([])
      expect(others.filter(isMatch)).to.deep.equal([])
    })
  }

  it('tries only the last ** again, so that no pattern takes forever', () => {
    const glob = parsePathGlob(`/${Array.from({ length: 32 }, () => '**/a').join('/')}`)
    const path = [...Array.from({ length: 255 }, () => 'a'), 'b']
    expect(matchesPath(glob, path)).to.equal(false)
  })
})
