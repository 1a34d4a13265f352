import { expect } from 'chai'
import {
  formatProblem,
  parseDocuments,
  PolicyError,
  type Problem,
} from '../../../src/policy/index.ts'

const policy = `kind: NetworkPolicy
name: web-to-orders-db
spec:
  from: { label.app: [web, api] }
  to:   { label.app: orders-db }
  ports: [tcp/5432]
  action: allow
`

function problemsOf(text: string): readonly Problem[] {
  try {
    parseDocuments(text, 'f.yaml')
  } catch (error: unknown) {
    if (!(error instanceof PolicyError)) throw error
    expect(error.code).to.equal('ERR_DOCUMENT')
    return error.problems
  }
  return []
}

const listed = (text: string): string[] => problemsOf(text).map(formatProblem)

/** A NetworkPolicy with one line of the spec changed; the line is number 4. */
const withSpec = (line: string): string =>
  `kind: NetworkPolicy\nname: p\nspec:\n  ${line}\n` +
  ['from: {}', 'to: {}', 'action: allow']
    .filter((other) => !line.startsWith(other.split(':', 1)[0] ?? ''))
    .map((other) => `  ${other}\n`)
    .join('')

describe('parseDocuments()', () => {
  it('reads a policy, with the defaults of what is absent', () => {
    const term = {
      key: 'label.app',
      need: 'observed',
      except: undefined,
      present: false,
      absent: false,
    }
    expect(parseDocuments(policy)).to.deep.equal([
      {
        kind: 'NetworkPolicy',
        name: 'web-to-orders-db',
        namespace: '/',
        spec: {
          from: [[{ ...term, anyOf: ['api', 'web'] }]],
          to: [[{ ...term, anyOf: ['orders-db'] }]],
          ports: [5432],
          http: undefined,
          action: 'allow',
          encryption: 'required',
          relay: undefined,
          mode: 'enforce',
          expires: undefined,
          when: undefined,
          onReject: 'keep',
        },
      },
    ])
  })

  it('reads several YAML documents, a JSON list, and nothing', () => {
    const other = policy.replace('web-to-orders-db', 'other')
    const names = (text: string): string[] => parseDocuments(text).map(({ name }) => name)
    expect(names(`---\n${policy}---\n---\n${other}`)).to.deep.equal(['web-to-orders-db', 'other'])
    const json = { kind: 'NetworkPolicy', spec: { from: {}, to: {}, action: 'deny' } }
    expect(
      names(
        JSON.stringify([
          { ...json, name: 'a' },
          { ...json, name: 'b' },
        ]),
      ),
    ).to.deep.equal(['a', 'b'])
    expect(names('# nothing\n')).to.deep.equal([])
  })

  it('reports every problem of a file, in order', () => {
    const text = `kind: NetworkPolicy
name: Web
spec:
  from: { lable.app: web }
  encription: required
  action: alow
  ports: [5432, tcp/0, "5432"]
---
kind: NetworkPolcy
---
kind: FilePolicy
---
name: x
`
    expect(listed(text)).to.deep.equal([
      'f.yaml:2:7: name: expected a name of lower-case letters, digits, "-", "_" and ".", at most 128 long, got "Web"',
      'f.yaml:4:3: spec: the field "to" is missing: expected a selector (a map such as { label.app: web }, or a list of up to 64 of them)',
      'f.yaml:4:11: spec.from: no attribute is called "lable.app"; did you mean "label.app"',
      'f.yaml:5:3: spec: unknown field "encription"; did you mean "encryption"',
      'f.yaml:6:11: spec.action: expected allow | deny, got "alow"; did you mean "allow"',
      'f.yaml:7:11: spec.ports[0]: expected "tcp/PORT" or "udp/PORT" with PORT from 1 to 65535, or "icmp", got the number 5432; write "5432" with the quotes',
      'f.yaml:7:17: spec.ports[1]: expected "tcp/PORT" or "udp/PORT" with PORT from 1 to 65535, or "icmp", got "tcp/0"',
      'f.yaml:7:24: spec.ports[2]: expected "tcp/PORT" or "udp/PORT" with PORT from 1 to 65535, or "icmp", got "5432"; did you mean "tcp/5432"',
      'f.yaml:9:7: expected a kind out of NetworkPolicy, EnrolmentRule, LabelAssignment, Guardrail, Observe, ExternalService, got "NetworkPolcy"; did you mean "NetworkPolicy"',
      'f.yaml:11:7: the kind FilePolicy is not supported yet by this version',
      'f.yaml:13:1: the field "kind" is missing: expected one of NetworkPolicy, EnrolmentRule, LabelAssignment, Guardrail, Observe, ExternalService',
    ])
  })

  const refused: Record<string, readonly [text: string, at: string, says: RegExp]> = {
    'a repeated key': [`${policy}name: again\n`, '8:1', /"name" stands here twice/],
    'a repeated document': [`${policy}---\n${policy}`, '9:1', /stands in this file twice/],
    'a tag': [withSpec('action: !!str allow'), '4:17', /tag .* not allowed/],
    'a key that is no text': [`12: x\n${policy}`, '1:1', /expected text as a key/],
    'broken YAML, once': ['kind: [}\nname: ]', '1:8', /not valid YAML/],
    'a list as document': ['- - a\n', '1:3', /expected a document/],
    'text as document': ['hello\n', '1:1', /expected a document/],
    'another namespace': [`namespace: /team\n${policy}`, '1:12', /only namespace/],
    'an absent from': [
      'kind: NetworkPolicy\nname: p\nspec: { to: {}, action: deny }',
      '3:7',
      /"from" is missing/,
    ],
    'an empty from': [withSpec('from:'), '4:8', /got nothing; write \{\} for every workload/],
    'a star as from': [withSpec("from: '*'"), '4:9', /write \{\} for every workload/],
    'an empty list of maps': [withSpec('from: []'), '4:9', /1 to 64 entries, got none/],
    'an empty list of ports': [withSpec('ports: []'), '4:10', /1 to 256 entries, got none/],
    'an empty list of values': [withSpec('from: { label.app: [] }'), '4:22', /got none/],
    'a number as value': [
      withSpec('from: { aws.account: 012 }'),
      '4:24',
      /write "012" with the quotes/,
    ],
    'true as value': [withSpec('from: { label.x: true }'), '4:20', /write "true" with the quotes/],
    'nothing as value': [withSpec('from: { label.x: }'), '4:20', /got nothing/],
    'a pattern as value': [withSpec("from: { label.x: 'web-*' }"), '4:20', /stands alone/],
    'an exclamation mark alone': [withSpec("from: { label.x: '!' }"), '4:20', /no value behind/],
    'an exception in a list': [
      withSpec("from: { label.x: ['!a', b] }"),
      '4:20',
      /a list means "or"/,
    ],
    'two exceptions': [withSpec("from: { label.x: ['!a', '!b'] }"), '4:20', /a list means "or"/],
    'an unknown provenance': [
      withSpec('from: { label.x@asigned: a }'),
      '4:11',
      /did you mean "assigned"/,
    ],
    'an impossible provenance': [
      withSpec('from: { label.x@signed: a }'),
      '4:11',
      /"label.x@assigned"/,
    ],
    'a claimed key without @claimed': [withSpec('from: { app.x: a }'), '4:11', /"app.x@claimed"/],
    'a key twice by its default': [
      withSpec('from: { label.x: a, label.x@observed: b }'),
      '4:23',
      /twice/,
    ],
    'a malformed key': [withSpec('from: { Label.x: a }'), '4:11', /dotted lower-case/],
    'a misspelled fixed key': [
      withSpec('from: { aws.acount: a }'),
      '4:11',
      /did you mean "aws.account"/,
    ],
    'an external key that is none': [
      withSpec('to: { external: { a: b } }'),
      '4:21',
      /expected a dotted lower-case/,
    ],
    'no http rules': [withSpec('http: []'), '4:9', /expected 1 to 32 entries, got none/],
    'udp between workloads': [
      withSpec('ports: [udp/53]'),
      '4:3',
      /spec.ports: an allow of "udp\/PORT" or "icmp" is for external services/,
    ],
    'udp without a port': [withSpec('ports: [udp]'), '4:11', /expected "tcp\/PORT" or "udp\/PORT"/],
    'a port of ICMP': [withSpec('ports: [icmp/8]'), '4:11', /or "icmp", got "icmp\/8"/],
    'a port beyond the last': [withSpec('ports: [tcp/65536]'), '4:11', /from 1 to 65535/],
    'a time without a zone': [withSpec('expires: 2027-01-31T00:00:00'), '4:12', /expected a time/],
    'a day that is not': [withSpec('expires: 2027-02-31T00:00:00Z'), '4:12', /expected a time/],
    'a tag of any account': [
      withSpec('from: { aws.tag.x: a }'),
      '4:11',
      /must also name "aws.account"/,
    ],
    'a tag of every account': [
      withSpec("from: { aws.tag.x: a, aws.account: '*' }"),
      '4:11',
      /must also name "aws.account"/,
    ],
    'a tag of all accounts but one': [
      withSpec("from: { aws.asg: a, aws.account: '!1' }"),
      '4:11',
      /must also name "aws.account"/,
    ],
    'a tag whose account is named in another map': [
      withSpec("from: [{ aws.iam-role: a }, { aws.account: '1' }]"),
      '4:12',
      /must also name "aws.account"/,
    ],
    'an alias before its anchor': [withSpec('from: *a'), '4:9', /no anchor "a"/],
    'an alias inside its anchor': [withSpec('from: &a [*a]'), '4:13', /no anchor "a"/],
    'an anchor of another document': [
      `x: &a {}\n---\n${withSpec('from: *a')}`,
      '1:1',
      /"kind" is missing/,
    ],
  }
  for (const [what, [text, at, says]] of Object.entries(refused)) {
    it(`refuses ${what}`, () => {
      const [first] = problemsOf(text)
      expect(first, text).to.not.equal(undefined)
      expect(`${String(first?.line)}:${String(first?.column)}`).to.equal(at)
      expect(first?.message).to.match(says)
    })
  }

  it('complains about a refused value only once', () => {
    expect(listed(withSpec('action: !!str allow'))).to.have.length(1)
  })

  it('accepts a tag of any account where tags are trusted', () => {
    const text = withSpec('from: { aws.tag.x: a }')
    expect(parseDocuments(text, 'f.yaml', { tagsTrusted: true })).to.have.length(1)
  })

  it('accepts a tag whose account is named', () => {
    expect(problemsOf(withSpec("from: { aws.tag.x: a, aws.account: ['1', '2'] }"))).to.be.empty
  })

  it('accepts an alias of an anchor before it', () => {
    const [document] = parseDocuments(
      withSpec('from: &a { label.x: a }').replace('to: {}', 'to: *a'),
    )
    expect(document?.kind === 'NetworkPolicy' && document.spec.to).to.have.length(1)
  })

  it('says when not all problems are listed', () => {
    const text = Array.from({ length: 150 }, (_, at) => `k${String(at)}: 1`).join('\n---\n')
    expect(problemsOf(text).at(-1)?.message).to.equal(
      'there are more problems, which are not listed',
    )
  })
})

describe('PolicyError', () => {
  it('says the first problem and how many more there are', () => {
    expect(() => parseDocuments('kind: A\n---\nkind: B', 'f')).to.throw(
      PolicyError,
      /^f:1:7: expected a kind .* got "A" \(and 1 more\)$/,
    )
  })
})
