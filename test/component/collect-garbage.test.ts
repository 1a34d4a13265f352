import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect } from 'chai'
import { collectGarbage } from '../../src/main/collect-garbage.ts'

describe('collectGarbage()', () => {
  it('gives back what nobody refers to, and nothing else', async () => {
    const kept = { text: 'kept' }
    const refs = [new WeakRef(kept), new WeakRef({ text: 'dropped' })]
    await nextTurn() // until then a WeakRef keeps what it is made of
    collectGarbage()
    expect(refs.map((ref) => ref.deref()?.text)).to.deep.equal([kept.text, undefined])
  })
})
