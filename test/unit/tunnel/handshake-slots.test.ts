import { expect } from 'chai'
import { createHandshakeSlots } from '../../../src/tunnel/handshake-slots.ts'
import { TunnelError } from '../../../src/tunnel/tunnel-error.ts'

function expectFull(take: () => unknown, message: string): void {
  expect(take).to.throw(TunnelError, message).with.property('code', 'ERR_TUNNEL_LIMIT')
}

describe('createHandshakeSlots()', () => {
  it('gives each source its share, and all of them no more than there are', () => {
    const slots = createHandshakeSlots(3, 2)
    const free = slots.take('10.0.0.1')
    slots.take('10.0.0.1')
    expectFull(() => slots.take('10.0.0.1'), 'one source')
    slots.take('10.0.0.2')
    expectFull(() => slots.take('10.0.0.3'), 'too many handshakes at once')
    expect(slots.taken).to.equal(3)
    free()
    slots.take('10.0.0.1')
    expect(slots.taken).to.equal(3)
  })

  const same: readonly (readonly [string, string])[] = [
    ['10.0.0.1', '::ffff:10.0.0.1'],
    ['2001:db8:1:2::1', '2001:db8:1:2:ffff::9'],
    ['fe80::1%eth0', 'fe80::2%eth0'],
  ]
  for (const [one, other] of same) {
    it(`counts ${one} and ${other} as one source`, () => {
      const slots = createHandshakeSlots(8, 1)
      slots.take(one)
      expectFull(() => slots.take(other), 'one source')
    })
  }

  it('counts neighbouring networks apart', () => {
    const slots = createHandshakeSlots(8, 1)
    slots.take('2001:db8:1:2::1')
    slots.take('2001:db8:1:3::1')
    slots.take('10.0.0.1')
    slots.take('10.0.0.2')
    expect(slots.taken).to.equal(4)
  })
})
