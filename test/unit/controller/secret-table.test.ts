import { expect } from 'chai'
import { createSecretTable } from '../../../src/controller/gateway/secrets.ts'

describe('createSecretTable()', () => {
  it('finds by the secret, and takes out once', () => {
    const table = createSecretTable<number>(10)
    table.put('a', 1)
    expect([table.get('a'), table.get('b')]).to.deep.equal([1, undefined])
    expect([table.take('a'), table.take('a'), table.get('a')]).to.deep.equal([
      1,
      undefined,
      undefined,
    ])
  })

  it('holds no more than it may: the oldest goes, and is answered', () => {
    const table = createSecretTable<number>(2)
    const gone = ['a', 'b', 'c', 'd'].map((secret, n) => table.put(secret, n))
    expect(gone).to.deep.equal([undefined, undefined, 0, 1])
    expect(table.size).to.equal(2)
    expect(['a', 'b', 'c', 'd'].map((secret) => table.get(secret))).to.deep.equal([
      undefined,
      undefined,
      2,
      3,
    ])
  })

  it('takes out what is over', () => {
    const table = createSecretTable<number>(10)
    for (const n of [1, 2, 3]) table.put(String(n), n)
    table.prune((value) => value < 3)
    expect([...table.values()]).to.deep.equal([3])
  })
})
