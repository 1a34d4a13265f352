import { expect } from 'chai'
import { createMuxEnd, type MuxEnd } from '../../support/mux-end.ts'
import { hexBody, readVectors } from '../../support/vectors.ts'

/** An accepting end that takes every stream at once and writes down what it hears. */
function listener(): { end: MuxEnd; events: () => string } {
  const log: { id: number; what: string }[] = []
  const end = createMuxEnd('acceptor', {}, (stream) => {
    const note = (what: string): void => {
      log.push({ id: stream.id, what })
    }
    stream.handle({
      onData: (bytes) => {
        const last = log.at(-1)
        const goesOn = last?.id === stream.id && last.what.startsWith('data ')
        if (goesOn) last.what += bytes.toString('hex')
        else note(`data ${bytes.toString('hex')}`)
      },
      onEnd: () => {
        note('end')
      },
      onReset: (reason) => {
        note(reason === undefined ? 'reset' : `reset ${reason}`)
      },
      onDrain: () => undefined,
    })
    stream.accept()
  })
  return { end, events: () => log.map(({ id, what }) => `${String(id)} ${what}`).join(', ') }
}

const chunkings: Readonly<Record<string, (bytes: Buffer) => Buffer[]>> = {
  whole: (bytes) => [bytes],
  'byte by byte': (bytes) => Array.from(bytes, (byte) => Buffer.from([byte])),
}

describe('yamux vectors', () => {
  for (const vector of readVectors('yamux')) {
    for (const [chunking, split] of Object.entries(chunkings)) {
      it(`${vector.expect === 'accept' ? 'accepts' : 'refuses'} ${vector.name} ${chunking}: ${vector.about}`, () => {
        const { end, events } = listener()
        for (const chunk of split(hexBody(vector))) end.mux.receive(chunk)
        expect(end.ends.map(({ error }) => error?.code)).to.deep.equal(
          vector.expect === 'accept' ? [] : [vector.expect],
        )
        if (vector.expect !== 'accept') return
        expect(events()).to.equal(vector.header.get('events'))
        expect(end.turn().toString('hex')).to.equal(vector.header.get('reply'))
      })
    }
  }
})
