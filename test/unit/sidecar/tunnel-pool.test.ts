import { expect } from 'chai'
import { silentLogger } from '../../../src/base/logger.ts'
import { createTunnelPool, type TunnelPool } from '../../../src/sidecar/tunnel-pool.ts'
import { TunnelError, type Endpoint, type Tunnel } from '../../../src/tunnel/index.ts'
import { createFakeClock } from '../../support/fake-clock.ts'

const destination = { host: '10.0.0.2', port: 5432 }

interface FakeTunnel {
  open: boolean
  bytesIn: number
  bytesOut: number
  carriesBulk: boolean
  streamCount: number
  readonly localEndpoint: { readonly address: string; readonly port: number }
  readonly peerEndpoint: { readonly address: string; readonly port: number }
  retired: boolean
  retire(): void
  readonly closed: Promise<unknown>
  end(): void
}

const dialled = { address: destination.host, port: destination.port }

function fakeTunnel(acceptedAt = dialled): FakeTunnel & Tunnel {
  const closed = Promise.withResolvers<unknown>()
  const tunnel: FakeTunnel = {
    open: true,
    bytesIn: 0,
    bytesOut: 0,
    carriesBulk: false,
    streamCount: 0,
    localEndpoint: dialled,
    peerEndpoint: acceptedAt,
    retired: false,
    retire: () => {
      tunnel.retired = true
    },
    closed: closed.promise,
    end: () => {
      tunnel.open = false
      closed.resolve(undefined)
    },
  }
  return tunnel as unknown as FakeTunnel & Tunnel
}

/** A pool whose dials bring one new tunnel after the other, or fail. */
function poolOf(options: { readonly failsAfter?: number; readonly acceptedAt?: Endpoint } = {}): {
  pool: TunnelPool
  made: (FakeTunnel & Tunnel)[]
  advance: (ms: number) => void
} {
  const clock = createFakeClock(0)
  const made: (FakeTunnel & Tunnel)[] = []
  const pool = createTunnelPool({
    dial: async () => {
      await Promise.resolve()
      if (made.length >= (options.failsAfter ?? Infinity)) throw new Error('no route')
      const tunnel = fakeTunnel(options.acceptedAt)
      made.push(tunnel)
      return tunnel
    },
    clock,
    log: silentLogger,
  })
  const advance = (ms: number): void => {
    clock.advance(ms)
  }
  return { pool, made, advance }
}

describe('createTunnelPool() with bulk under way', () => {
  it('gives new streams another tunnel, and the first one again when it is quiet', async () => {
    const { pool, made } = poolOf()
    await pool.get(destination)
    made[0]!.carriesBulk = true
    const both = await Promise.all([pool.get(destination), pool.get(destination)])
    expect(both).to.deep.equal([made[1], made[1]])
    expect(await pool.get(destination)).to.equal(made[1])
    made[0]!.carriesBulk = false
    made[1]!.carriesBulk = true
    expect(await pool.get(destination)).to.equal(made[0])
    expect(made).to.have.lengthOf(2)
  })

  it('keeps no more than four tunnels: with bulk in all, the one with the fewest streams serves', async () => {
    const { pool, made } = poolOf()
    for (const streamCount of [4, 3, 1, 2]) {
      await pool.get(destination)
      Object.assign(made.at(-1)!, { carriesBulk: true, streamCount })
    }
    expect(await pool.get(destination)).to.equal(made[2])
    expect(made).to.have.lengthOf(4)
    made[2]!.end()
    await made[2]!.closed
    expect(await pool.get(destination)).to.equal(made[4])
  })

  it('shares the tunnel with bulk where another one cannot be had', async () => {
    const { pool, made } = poolOf({ failsAfter: 1 })
    await pool.get(destination)
    made[0]!.carriesBulk = true
    expect(await pool.get(destination)).to.equal(made[0])
    expect(await pool.get(destination)).to.equal(made[0])
  })
})

describe('createTunnelPool() behind a balancer', () => {
  const behind = { acceptedAt: { address: '10.0.0.9', port: 8080 } }
  const settled = async (): Promise<void> => await new Promise((resolve) => setImmediate(resolve))

  it('dials up to four tunnels, which no stream but the first waits for, and spreads streams', async () => {
    const { pool, made } = poolOf(behind)
    const given: unknown[] = []
    for (let stream = 0; stream < 40; stream++) {
      given.push(await pool.get(destination))
      await settled()
    }
    expect(made).to.have.lengthOf(4)
    for (const tunnel of made) {
      expect(given.filter((one) => one === tunnel).length).to.be.within(9, 11)
    }
  })

  it('gives a stream to the tunnel with the fewest', async () => {
    const { pool, made } = poolOf(behind)
    for (let stream = 0; stream < 4; stream++) {
      await pool.get(destination)
      await settled()
    }
    for (const [index, tunnel] of made.entries()) tunnel.streamCount = index === 2 ? 1 : 5
    expect(await pool.get(destination)).to.equal(made[2])
  })

  it('replaces a tunnel that has served for a minute, once there is another one', async () => {
    const { pool, made, advance } = poolOf(behind)
    expect(await pool.get(destination)).to.equal(made[0])
    advance(60_001)
    expect(await pool.get(destination)).to.equal(made[0])
    expect(made[0]?.retired).to.equal(false)
    await settled()
    expect(await pool.get(destination)).to.equal(made[1])
    expect(made[0]?.retired).to.equal(true)
  })

  it('replaces a tunnel that has had a thousand streams', async () => {
    const { pool, made } = poolOf({ ...behind, failsAfter: 2 })
    for (let stream = 0; stream < 2_001; stream++) {
      await pool.get(destination)
      await settled()
    }
    expect(made.filter(({ retired }) => retired)).to.have.lengthOf(1)
  })

  it('goes on with what it has where no other tunnel can be had', async () => {
    const { pool, made } = poolOf({ ...behind, failsAfter: 1 })
    for (let stream = 0; stream < 3; stream++) {
      expect(await pool.get(destination)).to.equal(made[0])
      await settled()
    }
  })
})

describe('createTunnelPool()', () => {
  it('tells how many destinations have how many tunnels', async () => {
    const { pool, made } = poolOf()
    const counts = (): readonly number[] =>
      [1, 2, 3, 4].map((tunnels) => pool.destinationsWith(tunnels))
    await pool.get(destination)
    made[0]!.carriesBulk = true
    await pool.get(destination)
    await pool.get({ ...destination, port: 6379 })
    expect(counts()).to.deep.equal([1, 1, 0, 0])
    made[0]!.end()
    made[2]!.end()
    await made[2]!.closed
    expect(counts()).to.deep.equal([1, 0, 0, 0])
  })

  it('dials once for all who ask at the same time, and again for nobody while the tunnel is open', async () => {
    let dials = 0
    const tunnel = fakeTunnel()
    const pool = createTunnelPool({
      dial: async () => {
        dials++
        return await Promise.resolve(tunnel)
      },
      clock: createFakeClock(0),
      log: silentLogger,
    })
    const both = await Promise.all([pool.get(destination), pool.get(destination)])
    expect(both).to.deep.equal([tunnel, tunnel])
    await pool.get(destination)
    expect(dials).to.equal(1)
    await pool.get({ ...destination, port: 80 })
    expect(dials).to.equal(2)
  })

  it('dials anew when the tunnel has closed', async () => {
    const made: (FakeTunnel & Tunnel)[] = []
    const pool = createTunnelPool({
      dial: async () => {
        const tunnel = fakeTunnel()
        made.push(tunnel)
        return await Promise.resolve(tunnel)
      },
      clock: createFakeClock(0),
      log: silentLogger,
    })
    await pool.get(destination)
    made[0]?.end()
    expect(await pool.get(destination)).to.equal(made[1])
  })

  it('remembers a failure for a moment, under its reason', async () => {
    let dials = 0
    const clock = createFakeClock(0)
    const pool = createTunnelPool({
      dial: async () => {
        dials++
        await Promise.resolve()
        if (dials === 1) throw new TunnelError('ERR_PEER_REFUSED', 'untrusted-peer', 'no')
        throw new Error('no route')
      },
      clock,
      log: silentLogger,
    })
    expect(await pool.get(destination)).to.equal('untrusted-peer')
    expect(await pool.get(destination)).to.equal('untrusted-peer')
    expect(dials).to.equal(1)
    clock.advance(100)
    expect(await pool.get(destination)).to.equal('no-tunnel')
    expect(dials).to.equal(2)
  })

  const wears: readonly (readonly [
    string,
    (tunnel: FakeTunnel, advance: (ms: number) => void) => void,
  ])[] = [
    [
      '24 hours',
      (_tunnel, advance) => {
        advance(24 * 3_600_000 + 1)
      },
    ],
    [
      '256 GB',
      (tunnel) => {
        tunnel.bytesOut = 256 * 2 ** 30 + 1
      },
    ],
  ]
  for (const [what, wear] of wears) {
    it(`retires a tunnel for new streams after ${what}`, async () => {
      const clock = createFakeClock(0)
      const made: (FakeTunnel & Tunnel)[] = []
      const pool = createTunnelPool({
        dial: async () => {
          const tunnel = fakeTunnel()
          made.push(tunnel)
          return await Promise.resolve(tunnel)
        },
        clock,
        log: silentLogger,
      })
      const first = await pool.get(destination)
      if (typeof first === 'string') throw new Error('expected a tunnel')
      wear(first as unknown as FakeTunnel, (ms) => {
        clock.advance(ms)
      })
      expect(await pool.get(destination)).to.equal(made[1])
      expect(made[0]?.retired).to.equal(true)
    })
  }
})
