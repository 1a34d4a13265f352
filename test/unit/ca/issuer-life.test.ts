import { expect } from 'chai'
import { nextStates, type IssuerLife } from '../../../src/ca/issuer-life.ts'
import type { IssuerState } from '../../../src/identity/bundle.ts'

const minuteMs = 60_000
const start = Date.UTC(2026, 0, 1)

/** A two-hour life that began at `start` plus so many minutes. */
function life(id: string, state: IssuerState, fromMinute = 0, minutes = 120): IssuerLife {
  const notBefore = start + fromMinute * minuteMs
  return { id, state, notBefore, notAfter: notBefore + minutes * minuteMs }
}

const at = (minute: number): number => start + minute * minuteMs
const noLeaf: (id: string) => number = () => 0

function due(lives: readonly IssuerLife[], minute: number, lastLeaf = noLeaf): string[] {
  return nextStates(lives, at(minute), lastLeaf).map((action) =>
    action.kind === 'prepare' ? 'prepare' : `${action.kind} ${action.id}`,
  )
}

describe('nextStates()', () => {
  it('prepares the very first key and activates it without waiting', () => {
    expect(due([], 0)).to.deep.equal(['prepare'])
    expect(due([life('a', 'prepared')], 0)).to.deep.equal(['activate a'])
  })

  it('asks for nothing before half-life', () => {
    expect(due([life('a', 'active')], 59)).to.deep.equal([])
  })

  it('prepares one successor at half-life', () => {
    expect(due([life('a', 'active')], 60)).to.deep.equal(['prepare'])
    expect(due([life('a', 'active'), life('b', 'prepared', 60)], 61)).to.deep.equal([])
  })

  it('activates the successor at 5/6 and makes the former one old', () => {
    const lives = [life('a', 'active'), life('b', 'prepared', 60)]
    expect(due(lives, 99)).to.deep.equal([])
    expect(due(lives, 100)).to.deep.equal(['activate b', 'retire a'])
  })

  it('lets a successor that was prepared late spread before it signs', () => {
    const lives = [life('a', 'active'), life('b', 'prepared', 109)]
    expect(due(lives, 110)).to.deep.equal([])
    expect(due(lives, 111)).to.deep.equal(['activate b', 'retire a'])
  })

  it('activates at once where nothing else signs', () => {
    const lives = [life('a', 'tainted'), life('b', 'prepared', 60)]
    expect(due(lives, 60)).to.deep.equal(['activate b'])
  })

  it('removes an old key when its last leaf has expired, not before', () => {
    const lives = [life('a', 'old'), life('b', 'active', 60)]
    const lastLeaf = (id: string): number => (id === 'a' ? at(110) : 0)
    expect(due(lives, 109, lastLeaf)).to.deep.equal([])
    expect(due(lives, 110, lastLeaf)).to.deep.equal(['remove a'])
  })

  it('keeps a tainted key listed to its own end', () => {
    const lives = [life('a', 'tainted'), life('b', 'active', 60)]
    expect(due(lives, 119)).to.deep.equal([])
    expect(due(lives, 120).at(-1)).to.equal('remove a')
  })

  it('replaces an active key that has expired during an outage', () => {
    expect(due([life('a', 'active')], 500)).to.deep.equal(['prepare', 'remove a'])
  })

  it('mends what a crash between activate and retire leaves behind', () => {
    const lives = [life('a', 'active'), life('b', 'active', 60)]
    expect(due(lives, 100)).to.deep.equal(['retire a'])
  })
})
