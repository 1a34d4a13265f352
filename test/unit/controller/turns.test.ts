import { expect } from 'chai'
import type { Steps } from '../../../src/base/steps.ts'
import { inTurns, mapInTurns } from '../../../src/controller/turns.ts'

/** Holds the thread for so long. */
function hold(ms: number): void {
  const end = performance.now() + ms
  while (performance.now() < end);
}

describe('inTurns()', () => {
  function* steps(count: number, ms: number): Steps<number> {
    for (let step = 0; step < count; step++) {
      hold(ms)
      yield
    }
    return count
  }

  it('lets others have their turn between steps', async () => {
    let turns = 0
    const timer = setInterval(() => {
      turns += 1
    }, 1)
    expect(await inTurns(steps(8, 3))).to.equal(8)
    clearInterval(timer)
    expect(turns).to.be.at.least(2)
  })

  it('takes no turn of its own for what is short', async () => {
    let isLater = false
    setImmediate(() => {
      isLater = true
    })
    await inTurns(steps(3, 0))
    expect(isLater).to.equal(false)
  })

  it('passes on what a step throws', async () => {
    const failing = mapInTurns([1], () => {
      throw new Error('no')
    })
    expect(await failing.catch((error: unknown) => error)).to.be.an('error')
  })
})

describe('mapInTurns()', () => {
  it('keeps the order', async () => {
    expect(await mapInTurns([3, 1, 2], (one) => one * 2)).to.deep.equal([6, 2, 4])
  })
})
