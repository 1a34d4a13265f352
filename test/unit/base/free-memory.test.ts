import { expect } from 'chai'
import { freeMemory } from '../../../src/base/free-memory.ts'

describe('freeMemory()', () => {
  it('frees memory that belongs to these bytes alone, before any collection', () => {
    const before = process.memoryUsage.rss()
    const bytes = Buffer.allocUnsafeSlow(16 * 2 ** 20).fill(1)
    const between = process.memoryUsage.rss()
    freeMemory(bytes)
    expect(bytes.length).to.equal(0)
    expect(between - before).to.be.above(8 * 2 ** 20)
    expect(process.memoryUsage.rss() - before).to.be.below(8 * 2 ** 20)
  })

  it('frees a read that does not fill its memory', () => {
    const bytes = Buffer.allocUnsafeSlow(64 * 1024).subarray(0, 60_000)
    freeMemory(bytes)
    expect(bytes.length).to.equal(0)
  })

  it('leaves the pool that short buffers share', () => {
    const buffers = Array.from({ length: 10 }, (_, at) => Buffer.from(String(at).repeat(20_000)))
    for (const buffer of buffers) freeMemory(buffer)
    expect(buffers.map((buffer) => buffer.lastIndexOf(buffer[0] ?? 0))).to.deep.equal(
      buffers.map(() => 19_999),
    )
  })
})
