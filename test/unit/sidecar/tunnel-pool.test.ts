import { expect } from 'chai'
import { silentLogger } from '../../../src/base/logger.ts'
import { createTunnelPool } from '../../../src/sidecar/tunnel-pool.ts'
import { TunnelError, type Tunnel } from '../../../src/tunnel/index.ts'
import { createFakeClock } from '../../support/fake-clock.ts'

const destination = { host: '10.0.0.2', port: 5432 }

interface FakeTunnel {
  open: boolean
  bytesIn: number
  bytesOut: number
  retired: boolean
  retire(): void
  readonly closed: Promise<unknown>
  end(): void
}

function fakeTunnel(): FakeTunnel & Tunnel {
  const closed = Promise.withResolvers<unknown>()
  const tunnel: FakeTunnel = {
    open: true,
    bytesIn: 0,
    bytesOut: 0,
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

describe('createTunnelPool()', () => {
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
