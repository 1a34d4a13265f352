import { once } from 'node:events'
import { createServer } from 'node:net'
import { expect } from 'chai'
import { layOut, fixedPairs } from '../../src/demo/cast.ts'
import { reserveBlock } from '../../src/demo/ports.ts'

describe('reserveBlock()', () => {
  it('gives two demonstrations different addresses', async () => {
    await using first = await reserveBlock(fixedPairs)
    await using second = await reserveBlock(fixedPairs)
    expect(first.address(1, 1)).to.match(/^127\.0\.\d+\.1$/)
    expect(second.address(1, 1)).to.not.equal(first.address(1, 1))
  })

  it('passes over a block in which somebody has a port', async () => {
    const taken = await reserveBlock(fixedPairs)
    const pair = layOut(taken).mesh('orders-db')
    await taken[Symbol.asyncDispose]()
    const squatter = createServer().listen(pair.port, pair.host)
    await once(squatter, 'listening')
    try {
      await using block = await reserveBlock(fixedPairs)
      expect(layOut(block).mesh('orders-db').host).to.not.equal(pair.host)
    } finally {
      squatter.close()
      await once(squatter, 'close')
    }
  })

  it('says which ports it looked for when a program has one on all addresses', async () => {
    const squatter = createServer().listen(0, '0.0.0.0')
    await once(squatter, 'listening')
    const address = squatter.address()
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0
    try {
      const error: unknown = await reserveBlock(({ address: at }) => [
        { host: at(1, 1), port },
      ]).catch((thrown: unknown) => thrown)
      expect(error).to.have.property('code', 'ERR_PORTS')
      expect(error).to.have.property('message').that.contains(String(port))
    } finally {
      squatter.close()
      await once(squatter, 'close')
    }
  })
})
