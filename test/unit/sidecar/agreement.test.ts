import { expect } from 'chai'
import { answers, openStreamThatMayBeClear } from '../../../src/sidecar/clear/agreement.ts'
import { encodeStreamHeader } from '../../../src/tunnel/proxy-v2.ts'
import type { TunnelStream } from '../../../src/tunnel/index.ts'
import { createMuxEnd, exchange } from '../../support/mux-end.ts'

const header = {
  source: { address: '10.0.0.1', port: 40_000 },
  destination: { address: '10.0.0.2', port: 5432 },
  flowId: '00'.repeat(16),
}

/** What the dialling end makes of a stream that the accepting one has treated so, all at once. */
async function agreedAfter(accepted: (stream: TunnelStream) => void): Promise<string> {
  const dialler = createMuxEnd('dialler')
  const acceptor = createMuxEnd('acceptor', {}, (stream) => {
    stream.handle({
      onData: () => undefined,
      onEnd: () => undefined,
      onReset: () => undefined,
      onDrain: () => undefined,
    })
    stream.accept()
    accepted(stream)
  })
  const agreement = openStreamThatMayBeClear(
    { openStream: (to, handlers) => dialler.mux.open(encodeStreamHeader(to), handlers) },
    header,
  )
  exchange(dialler, acceptor)
  const found = await agreement
  return typeof found === 'string' ? found : found.how
}

describe('openStreamThatMayBeClear()', () => {
  it('hears how the data travels', async () => {
    expect(await agreedAfter((stream) => stream.write(answers.tunnel))).to.equal('tunnel')
    expect(await agreedAfter((stream) => stream.write(answers.clear))).to.equal('clear')
  })

  it('takes no other answer, and none behind which data comes in clear', async () => {
    expect(await agreedAfter((stream) => stream.write(Buffer.of(7)))).to.equal('protocol-error')
    expect(await agreedAfter((stream) => stream.write(Buffer.of(1, 2)))).to.equal('protocol-error')
  })

  for (const how of ['tunnel', 'clear'] as const) {
    it(`gives no stream that was reset right behind the answer "${how}"`, async () => {
      const found = await agreedAfter((stream) => {
        stream.write(answers[how])
        stream.reset('application-refused')
      })
      expect(found).to.equal('application-refused')
    })
  }
})
