import { expect } from 'chai'
import { parseDocuments, PolicyError, type Problem } from '../../src/policy/index.ts'
import { documentLimits } from '../../src/policy/limits.ts'

const policy = `kind: NetworkPolicy
name: web-to-orders-db
spec:
  from: { label.app: [web, api] }
  to:   { label.app: orders-db }
  ports: [tcp/5432]
  action: allow
`

const withSpec = (line: string): string =>
  `kind: NetworkPolicy\nname: p\nspec:\n  ${line}\n` +
  ['from: {}', 'to: {}', 'action: allow']
    .filter((other) => !line.startsWith(other.split(':', 1)[0] ?? ''))
    .map((other) => `  ${other}\n`)
    .join('')

function problemsOf(text: string): readonly Problem[] {
  try {
    parseDocuments(text, 'f.yaml')
  } catch (error: unknown) {
    if (!(error instanceof PolicyError)) throw error
    return error.problems
  }
  return []
}

describe('parseDocuments()', () => {
  it('cuts off at its limits', function () {
    this.timeout(20_000)
    const bomb = (levels: number): string =>
      Array.from({ length: levels }, (_, at) => {
        const refs = Array.from({ length: 9 }, () => (at === 0 ? 'x' : `*a${String(at - 1)}`))
        return `k${String(at)}: &a${String(at)} [${refs.join(', ')}]`
      }).join('\n')
    const limits: Record<string, readonly [string, RegExp]> = {
      text: ['#'.repeat(documentLimits.textBytes + 1), /larger than/],
      documents: ['---\n'.repeat(documentLimits.documents + 1), /more than 10000 documents/],
      depth: [withSpec(`from: ${'['.repeat(40)}${']'.repeat(40)}`), /levels deep/],
      'depth beyond any stack': ['['.repeat(5_000), /nested too deeply/],
      aliases: [bomb(8), /more than 100000 values/],
      fields: [
        Array.from({ length: 65 }, (_, at) => `k${String(at)}: 1\n`).join('') + policy,
        /1 to 64 entries, got 68/,
      ],
      maps: [withSpec(`from: [${'{},'.repeat(65)}]`), /1 to 64 entries, got 65/],
      values: [
        withSpec(
          `from: { label.x: [${Array.from({ length: 257 }, (_, at) => `v${String(at)}`).join()}] }`,
        ),
        /1 to 256 entries, got 257/,
      ],
      problems: [Array.from({ length: 150 }, (_, at) => `k${String(at)}: 1`).join('\n---\n'), /./],
    }
    for (const [what, [text, says]] of Object.entries(limits)) {
      const problems = problemsOf(text)
      expect(problems.map(({ message }) => message).join('\n'), what).to.match(says)
      expect(problems.length).to.be.at.most(documentLimits.problems + 1)
    }
  })
})
