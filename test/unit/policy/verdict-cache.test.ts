import { expect } from 'chai'
import { noPolicyMatched, type Verdict } from '../../../src/policy/verdict.ts'
import { VerdictCache } from '../../../src/policy/verdict-cache.ts'

const verdictOf = (deadline: number): Verdict => ({ ...noPolicyMatched, deadline })

type Key = readonly [source: number, target: number, port: number]

describe('VerdictCache', () => {
  it('keeps every verdict apart while it grows', () => {
    const cache = new VerdictCache(10_000)
    const keys = Array.from({ length: 6_000 }, (_, at) => {
      const key: Key = [at % 61, (at * 7) % 32_768, 1 + ((at * 131) % 65_535)]
      return key
    })
    for (const [at, key] of keys.entries()) cache.set(...key, verdictOf(at))
    const wrong = keys.filter((key, at) => cache.get(...key)?.deadline !== at)
    expect(wrong).to.deep.equal([])
    expect(cache.get(61, 0, 1)).to.equal(undefined)
  })

  it('tells the ends apart, up to the highest numbers', () => {
    const cache = new VerdictCache(10)
    cache.set(32_767, 0, 65_535, verdictOf(1))
    expect(cache.get(32_767, 0, 65_535)?.deadline).to.equal(1)
    const others: readonly Key[] = [
      [0, 32_767, 65_535],
      [32_767, 0, 1],
      [32_767, 1, 65_535],
      [0, 0, 65_535],
    ]
    for (const key of others) {
      expect(cache.get(...key), key.join()).to.equal(undefined)
    }
  })

  it('replaces a verdict', () => {
    const cache = new VerdictCache(1)
    cache.set(0, 0, 1, verdictOf(1))
    cache.set(0, 0, 1, verdictOf(2))
    expect(cache.get(0, 0, 1)?.deadline).to.equal(2)
  })

  it('forgets all beyond its bound, and keeps nothing with none', () => {
    const cache = new VerdictCache(2)
    for (const port of [1, 2, 3]) cache.set(0, 0, port, verdictOf(port))
    expect([1, 2, 3].map((port) => cache.get(0, 0, port)?.deadline)).to.deep.equal([
      undefined,
      undefined,
      3,
    ])
    const none = new VerdictCache(0)
    none.set(0, 0, 1, verdictOf(1))
    expect(none.get(0, 0, 1)).to.equal(undefined)
  })
})
