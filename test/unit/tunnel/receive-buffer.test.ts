import { expect } from 'chai'
import { createReceiveBuffer, type ReceiveBuffer } from '../../../src/tunnel/receive-buffer.ts'

/** Reads as Node does: into the buffer that is offered, and says how much. */
function read({ onread }: ReceiveBuffer, bytes: Buffer): boolean {
  if (typeof onread.buffer !== 'function') throw new Error('expected a buffer for each read')
  const into = onread.buffer()
  into.set(bytes)
  return onread.callback(bytes.length, into)
}

describe('createReceiveBuffer()', () => {
  it('hands on what is read, in order, and writes over none of it', () => {
    const received = createReceiveBuffer()
    const taken: Buffer[] = []
    received.follow((bytes) => taken.push(bytes))
    const records = Array.from({ length: 40 }, (_, at) => Buffer.alloc(16_000, at))
    for (const record of records) expect(read(received, record)).to.equal(true)
    expect(Buffer.concat(taken).equals(Buffer.concat(records))).to.equal(true)
  })

  it('always has room for a whole record', () => {
    const received = createReceiveBuffer()
    received.follow(() => undefined)
    for (let count = 0; count < 100; count++) {
      expect(read(received, Buffer.alloc(16 * 1024))).to.equal(true)
      read(received, Buffer.alloc(5_000))
    }
  })

  it('asks to stop until somebody takes it, and loses nothing', () => {
    const received = createReceiveBuffer()
    expect(read(received, Buffer.from('before'))).to.equal(false)
    const taken: string[] = []
    received.follow((bytes) => taken.push(bytes.toString()))
    expect(read(received, Buffer.from('after'))).to.equal(true)
    expect(taken).to.deep.equal(['before', 'after'])
  })
})
