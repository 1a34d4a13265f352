import { expect } from 'chai'
import { ByteQueue } from '../../../src/tunnel/byte-queue.ts'

describe('ByteQueue', () => {
  it('gives back what went in, across blocks', () => {
    const queue = new ByteQueue()
    const bytes = Buffer.from(Array.from({ length: 5_000 }, (_, i) => i % 251))
    for (let at = 0; at < bytes.length; at += 700) {
      queue.append(bytes, at, Math.min(at + 700, bytes.length))
    }
    const out: Buffer[] = []
    for (let next = queue.shift(900); next !== undefined; next = queue.shift(900)) out.push(next)
    expect(Buffer.concat(out).equals(bytes)).to.equal(true)
    expect(queue.size).to.equal(0)
  })

  it('does not write over bytes that were handed out', () => {
    const queue = new ByteQueue()
    queue.append(Buffer.from('abcd'))
    const first = queue.shift(2)
    queue.append(Buffer.from('efgh'))
    expect(first?.toString()).to.equal('ab')
    expect(queue.shift(100)?.toString()).to.equal('cdefgh')
  })

  it('keeps copies, so that a small slice does not hold its record', () => {
    const queue = new ByteQueue()
    const record = Buffer.from('xyz')
    queue.append(record, 1, 2)
    record.fill(0)
    expect(queue.shift(1)?.toString()).to.equal('y')
  })

  it('peeks across blocks without taking, and not beyond what is there', () => {
    const queue = new ByteQueue()
    queue.append(Buffer.alloc(1_024, 1))
    queue.append(Buffer.alloc(10, 2))
    expect(queue.peek(1_035)).to.equal(undefined)
    expect(queue.peek(1_034)?.subarray(1_020).toString('hex')).to.equal(
      '0101010102020202020202020202',
    )
    expect(queue.size).to.equal(1_034)
    queue.discard(1_030)
    expect(queue.shift(10)?.toString('hex')).to.equal('02020202')
  })
})
