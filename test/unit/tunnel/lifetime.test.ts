import { expect } from 'chai'
import {
  createAnswerWatch,
  createExpiry,
  createIdleness,
  createKeepAlive,
} from '../../../src/tunnel/lifetime.ts'
import { createOpenings } from '../../../src/tunnel/opening.ts'
import { encodeStreamHeader } from '../../../src/tunnel/proxy-v2.ts'
import { createFakeTimers } from '../../support/fake-timers.ts'
import { createMuxEnd, exchange } from '../../support/mux-end.ts'
import { recorder, streamHeader } from '../../support/tunnel-pair.ts'

const dayMs = 86_400_000

describe('createExpiry()', () => {
  function start(graceMs = 0): {
    timers: ReturnType<typeof createFakeTimers>
    expired: number[]
    expiry: ReturnType<typeof createExpiry>
  } {
    const timers = createFakeTimers(1_000)
    const expired: number[] = []
    const expiry = createExpiry({
      timers,
      now: timers.now,
      graceMs: () => graceMs,
      onExpired: () => expired.push(timers.now()),
    })
    return { timers, expired, expiry }
  }

  it('fires at the deadline, once, also when that is months away', () => {
    const { timers, expired, expiry } = start()
    expiry.set(1_000 + 90 * dayMs)
    timers.advance(90 * dayMs - 1)
    expect(expired).to.deep.equal([])
    timers.advance(1)
    timers.advance(dayMs)
    expect(expired).to.deep.equal([1_000 + 90 * dayMs])
  })

  it('follows a deadline that is moved, and none that is cancelled', () => {
    const { timers, expired, expiry } = start()
    expiry.set(2_000)
    expiry.set(5_000)
    timers.advance(3_000)
    expect(expired).to.deep.equal([])
    expiry.cancel()
    timers.advance(dayMs)
    expect(expired).to.deep.equal([])
    expect(timers.pending).to.equal(0)
  })

  it('fires at once for a deadline that has passed', () => {
    const { expired, expiry } = start()
    expiry.set(999)
    expect(expired).to.deep.equal([1_000])
  })

  it('adds the grace', () => {
    const { timers, expired, expiry } = start(500)
    expiry.set(2_000)
    timers.advance(1_499)
    expect(expired).to.deep.equal([])
    timers.advance(1)
    expect(expired).to.deep.equal([2_500])
  })
})

describe('createKeepAlive()', () => {
  it('asks a silent peer and gives it up when it stays silent', () => {
    const timers = createFakeTimers()
    const log: string[] = []
    const keepAlive = createKeepAlive({
      timers,
      intervalMs: 100,
      ask: () => log.push(`ask ${String(timers.now())}`),
      onDead: () => log.push(`dead ${String(timers.now())}`),
    })
    keepAlive.heard()
    timers.advance(200)
    expect(log).to.deep.equal(['ask 200'])
    keepAlive.heard()
    timers.advance(100)
    expect(log).to.deep.equal(['ask 200'])
    timers.advance(1_000)
    expect(log).to.deep.equal(['ask 200', 'ask 400', 'dead 500'])
    expect(timers.pending).to.equal(0)
  })
})

describe('createAnswerWatch()', () => {
  function watched(): {
    timers: ReturnType<typeof createFakeTimers>
    log: string[]
    answers: ReturnType<typeof createAnswerWatch>
  } {
    const timers = createFakeTimers()
    const log: string[] = []
    const answers = createAnswerWatch({
      timers,
      intervalMs: 100,
      ask: () => log.push(`ask ${String(timers.now())}`),
      onSilent: () => log.push(`silent ${String(timers.now())}`),
    })
    return { timers, log, answers }
  }

  it('asks a peer that owes an answer, and tells when it stays silent', () => {
    const { timers, log, answers } = watched()
    timers.advance(1_000)
    expect(timers.pending).to.equal(0)
    answers.due()
    timers.advance(1_000)
    expect(log).to.deep.equal(['ask 1100', 'silent 1200'])
    expect(timers.pending).to.equal(0)
  })

  it('is content with any sign of life, before it asks or after', () => {
    const { timers, log, answers } = watched()
    answers.due()
    timers.advance(50)
    answers.heard()
    timers.advance(1_000)
    expect(log).to.deep.equal([])
    answers.due()
    timers.advance(150)
    answers.heard()
    timers.advance(1_000)
    expect(log).to.deep.equal(['ask 1150'])
    expect(timers.pending).to.equal(0)
  })

  it('watches on for what has become due meanwhile', () => {
    const { timers, log, answers } = watched()
    answers.due()
    answers.heard()
    timers.advance(50)
    answers.due()
    timers.advance(250)
    expect(log).to.deep.equal(['ask 200', 'silent 300'])
  })

  it('does not tell of a peer that answers, however much is due', () => {
    const { timers, log, answers } = watched()
    for (let round = 0; round < 1_000; round++) {
      answers.due()
      timers.advance(5)
      if (round % 10 === 0) answers.heard()
    }
    expect(log).to.deep.equal([])
    answers.cancel()
    expect(timers.pending).to.equal(0)
  })
})

describe('createIdleness()', () => {
  function watched(): {
    timers: ReturnType<typeof createFakeTimers>
    idleness: ReturnType<typeof createIdleness>
    state: { busy: boolean; idle: number }
  } {
    const timers = createFakeTimers(1_000)
    const state = { busy: false, idle: 0 }
    const idleness = createIdleness({
      timers,
      idleMs: 100,
      isBusy: () => state.busy,
      onIdle: () => {
        state.idle += 1
      },
    })
    return { timers, idleness, state }
  }

  it('tells once when nothing has happened for so long', () => {
    const { timers, state } = watched()
    timers.advance(99)
    expect(state.idle).to.equal(0)
    timers.advance(1)
    expect(state.idle).to.equal(1)
    timers.advance(1_000)
    expect(state.idle).to.equal(1)
    expect(timers.pending).to.equal(0)
  })

  it('counts from the last touch, with one timer', () => {
    const { timers, idleness, state } = watched()
    for (let count = 0; count < 50; count++) {
      timers.advance(10)
      idleness.touched()
      expect(timers.pending).to.equal(1)
    }
    timers.advance(99)
    expect(state.idle).to.equal(0)
    timers.advance(1)
    expect(state.idle).to.equal(1)
  })

  it('waits while there is something to do, and a whole while after it', () => {
    const { timers, idleness, state } = watched()
    state.busy = true
    timers.advance(1_050)
    state.busy = false
    idleness.touched()
    timers.advance(99)
    expect(state.idle).to.equal(0)
    timers.advance(1)
    expect(state.idle).to.equal(1)
  })

  it('tells nothing once cancelled', () => {
    const { timers, idleness, state } = watched()
    timers.advance(50)
    idleness.cancel()
    timers.advance(1_000)
    expect([state.idle, timers.pending]).to.deep.equal([0, 0])
  })
})

describe('createOpenings()', () => {
  const header = encodeStreamHeader(streamHeader())

  function opened(): {
    announce: (bytes: Buffer, end?: boolean) => void
    log: string[]
    timers: ReturnType<typeof createFakeTimers>
    side: ReturnType<typeof recorder>
    refused: () => number
  } {
    const timers = createFakeTimers()
    const log: string[] = []
    const openings = createOpenings({
      timers,
      headerMs: 3_000,
      onStream: (stream, seen) => {
        log.push(`${seen.destination.address} with ${String(stream.heldBytes)} bytes`)
      },
      refuse: (stream, reason) => {
        b.mux.refuse(stream, reason)
      },
    })
    const a = createMuxEnd('dialler')
    const b = createMuxEnd('acceptor', {}, openings.progress)
    const side = recorder()
    const stream = a.mux.open(Buffer.alloc(0), side)
    if (typeof stream === 'string') throw new Error(stream)
    return {
      log,
      timers,
      side,
      refused: () => b.mux.uselessStreams,
      announce: (bytes, end = false) => {
        stream.write(bytes)
        if (end) stream.end()
        exchange(a, b)
      },
    }
  }

  it('announces a stream once its header is whole, and only once', () => {
    const { announce, log } = opened()
    announce(header.subarray(0, 10))
    announce(header.subarray(10, 40))
    expect(log).to.deep.equal([])
    announce(Buffer.concat([header.subarray(40), Buffer.from('first')]))
    announce(Buffer.from('more'))
    expect(log).to.deep.equal(['127.0.0.1 with 5 bytes'])
  })

  it('resets a stream whose header does not come in time', () => {
    const { announce, side, timers } = opened()
    announce(header.subarray(0, 10))
    timers.advance(2_999)
    announce(header.subarray(10, 11))
    expect(side.events).to.deep.equal([])
    timers.advance(1)
    announce(Buffer.alloc(0))
    expect(side.events).to.deep.equal(['reset protocol-error'])
  })

  it('resets a stream that ends within its header, or begins with something else', () => {
    for (const bytes of [
      header.subarray(0, 20),
      Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'),
    ]) {
      const { announce, side, log, refused } = opened()
      announce(bytes, true)
      expect(side.events).to.deep.equal(['reset protocol-error'])
      expect(log).to.deep.equal([])
      expect(refused()).to.equal(1)
    }
  })
})
