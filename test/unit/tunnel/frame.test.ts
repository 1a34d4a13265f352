import { expect } from 'chai'
import {
  flag,
  frameType,
  headerProblem,
  readHeader,
  writeHeader,
  type FrameHeader,
} from '../../../src/tunnel/frame.ts'

const header = (change: Partial<FrameHeader>): FrameHeader => ({
  version: 0,
  type: frameType.data,
  flags: 0,
  streamId: 1,
  length: 0,
  ...change,
})

describe('yamux frame header', () => {
  it('is written as the specification has it, and read back', () => {
    const bytes = Buffer.alloc(14, 0xff)
    writeHeader(bytes, 1, frameType.windowUpdate, flag.syn | flag.fin, 0x01020304, 0xfffefdfc)
    expect(bytes.toString('hex')).to.equal('ff00010005' + '01020304' + 'fffefdfc' + 'ff')
    const read = header({})
    readHeader(bytes, 1, read)
    expect(read).to.deep.equal(
      header({ type: 1, flags: 5, streamId: 0x01020304, length: 0xfffefdfc }),
    )
  })

  const good: readonly Partial<FrameHeader>[] = [
    { flags: flag.syn },
    { flags: flag.ack | flag.fin, length: 70_000 },
    { flags: flag.syn | flag.fin },
    { type: frameType.windowUpdate, flags: flag.rst, length: 17 },
    { type: frameType.ping, flags: flag.syn, streamId: 0, length: 7 },
    { type: frameType.ping, flags: flag.ack, streamId: 0, length: 7 },
    { type: frameType.goAway, streamId: 0, length: 1 },
  ]
  for (const fields of good) {
    it(`accepts ${JSON.stringify(fields)}`, () => {
      expect(headerProblem(header(fields))).to.equal(undefined)
    })
  }

  const bad: readonly (Partial<FrameHeader> & { problem: string })[] = [
    { version: 1, problem: 'expected version 0' },
    { type: 4, problem: 'unknown frame type' },
    { streamId: 0, problem: 'names stream 0' },
    { flags: 0x10, problem: 'unknown flags' },
    { flags: 0x8000, problem: 'unknown flags' },
    { flags: flag.syn | flag.ack, problem: 'SYN together' },
    { flags: flag.syn | flag.rst, problem: 'SYN together' },
    { type: frameType.ping, flags: flag.syn, streamId: 1, problem: 'expected stream 0' },
    { type: frameType.ping, flags: 0, streamId: 0, problem: 'expected SYN or ACK' },
    { type: frameType.ping, flags: 3, streamId: 0, problem: 'expected SYN or ACK' },
    { type: frameType.goAway, flags: 1, streamId: 0, problem: 'unexpected flags' },
    { type: frameType.goAway, streamId: 3, problem: 'expected stream 0' },
  ]
  for (const { problem, ...fields } of bad) {
    it(`refuses ${JSON.stringify(fields)}`, () => {
      expect(headerProblem(header(fields))).to.contain(problem)
    })
  }
})
