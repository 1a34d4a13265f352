import { expect } from 'chai'
import type { Contender } from '../../../bench/proxies/pair.ts'
import { createTurns } from '../../../bench/proxies/turns.ts'

const contender = (name: string): Contender => ({
  name,
  start: () => Promise.reject(new Error('not started here')),
})
const [ours, first, second] = [contender('ours'), contender('first'), contender('second')]

describe('createTurns()', () => {
  it('gives no more turns to another that fails, and names it', async () => {
    const said: string[] = []
    const turns = createTurns([ours, first, second], (text) => said.push(text))
    const seen: string[] = []
    const act = ({ name }: Contender): Promise<void> => {
      seen.push(name)
      return name === 'first' ? Promise.reject(new Error('gone')) : Promise.resolve()
    }
    await turns.take(act)
    await turns.take(act)
    expect(seen).to.deep.equal(['ours', 'first', 'second', 'ours', 'second'])
    expect(said).to.deep.equal(['first takes no part any more: gone'])
    expect(turns.note()).to.deep.equal({ note: 'first failed.' })
  })

  it('fails where ours does', async () => {
    const turns = createTurns([ours, first], () => undefined)
    const act = ({ name }: Contender): Promise<void> =>
      name === 'ours' ? Promise.reject(new Error('gone')) : Promise.resolve()
    const error = await turns.take(act).catch((reason: unknown) => reason)
    expect(error).to.be.an('error').with.property('message', 'gone')
  })

  it('has nothing to say where all went well', () => {
    expect(createTurns([ours, first], () => undefined).note()).to.deep.equal({})
  })
})
