import { once } from 'node:events'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Duplex } from 'node:stream'
import { expect } from 'chai'
import { createRequestRelay } from '../../../src/sidecar/http/request-relay.ts'
import type { RelayEnding } from '../../../src/sidecar/relay.ts'
import { holdNothing } from '../../../src/tunnel/index.ts'

/** A stream that notes what is done to it, and a server that only takes the connection. */
function tied(hasRoom: () => boolean = () => true) {
  const done: string[] = []
  const endings: RelayEnding[] = []
  let taken: Duplex | undefined
  const relay = createRequestRelay(
    (connection) => {
      taken = connection
      return { retire: () => done.push('retire') }
    },
    (ending) => endings.push(ending),
  )
  relay.start({
    copies: true,
    write: (bytes) => {
      done.push(`write ${bytes.toString()}`)
      return hasRoom()
    },
    end: () => done.push('end'),
    reset: (reason) => done.push(`reset ${reason ?? ''}`),
    pause: () => done.push('pause'),
    resume: () => undefined,
    closed: false,
  })
  if (taken === undefined) throw new Error('BUG: not served')
  return { relay, connection: taken, done, endings }
}

describe('createRequestRelay()', () => {
  it('ends a connection that the server has ended without a reset, and waits for the peer', async () => {
    const { relay, connection, done, endings } = tied()
    connection.end('last answer', () => connection.destroy())
    await once(connection, 'close')
    expect(done).to.deep.equal(['write last answer', 'end'])
    expect(endings).to.deep.equal([])
    relay.handlers.onData(Buffer.from('dropped'), holdNothing)
    relay.handlers.onEnd()
    expect(endings).to.deep.equal([{ kind: 'finished' }])
    expect(done).to.deep.equal(['write last answer', 'end'])
    expect(relay.carried).to.deep.equal({ toStream: 11, fromStream: 7 })
  })

  it('resets one that the server breaks off', async () => {
    const { connection, done, endings } = tied()
    connection.write('half')
    connection.destroy()
    await once(connection, 'close')
    expect(done).to.deep.equal(['write half', 'reset '])
    expect(endings).to.deep.equal([{ kind: 'socket-reset' }])
  })

  it('destroys the connection when the peer resets it, and ends once', async () => {
    const { relay, connection, done, endings } = tied()
    relay.handlers.onReset('below-floor')
    await once(connection, 'close')
    relay.cut('draining')
    expect(endings).to.deep.equal([{ kind: 'stream-reset', reason: 'below-floor' }])
    expect(done).to.deep.equal(['reset draining'])
  })

  it('tells the peer the reason of a cut', async () => {
    const { relay, connection, done, endings } = tied()
    relay.cut('no-policy-matched')
    await once(connection, 'close')
    expect(endings).to.deep.equal([{ kind: 'cut', reason: 'no-policy-matched' }])
    expect(done).to.deep.equal(['reset no-policy-matched'])
  })

  it('writes one piece at a time, and the next once there is room', async () => {
    let hasRoom = false
    const { relay, connection, done } = tied(() => hasRoom)
    for (const piece of ['a', 'b']) connection.write(piece)
    expect(done).to.deep.equal(['write a'])
    hasRoom = true
    relay.handlers.onDrain()
    await nextTurn()
    expect(done).to.deep.equal(['write a', 'write b'])
  })

  it('asks the peer to wait where the server does not read', () => {
    const { relay, connection, done } = tied()
    relay.handlers.onData(Buffer.alloc(connection.readableHighWaterMark), holdNothing)
    expect(done).to.deep.equal(['pause'])
  })
})
