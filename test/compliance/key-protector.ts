import { randomBytes } from 'node:crypto'
import { expect } from 'chai'
import { CaError } from '../../src/ca/errors.ts'
import type { KeyProtector } from '../../src/ca/key-protector.ts'
import { expectRejection } from '../support/expect-error.ts'

/** What to build: the secret and the purpose are told apart by their names. */
export interface KeyProtectorChoice {
  readonly secret: 'first' | 'second'
  readonly purpose: string
}

/** What every key protector has to keep, wherever its key comes from. */
export function keyProtectorCompliance(
  name: string,
  create: (choice: KeyProtectorChoice) => KeyProtector | Promise<KeyProtector>,
): void {
  describe(`${name} (key protector)`, () => {
    const plain = Buffer.from('a private key, as far as this test goes')
    const ours = { secret: 'first', purpose: 'ca' } as const

    it('opens what it sealed', async () => {
      const protector = await create(ours)
      for (const bytes of [plain, Buffer.alloc(0), randomBytes(2_000)]) {
        expect(await protector.open(await protector.seal(bytes))).to.deep.equal(bytes)
      }
    })

    it('opens after a restart what it sealed before', async () => {
      const sealed = await (await create(ours)).seal(plain)
      expect(await (await create(ours)).open(sealed)).to.deep.equal(plain)
    })

    it('does not show the plain bytes, and seals the same differently each time', async () => {
      const protector = await create(ours)
      const [one, other] = [await protector.seal(plain), await protector.seal(plain)]
      expect(one.includes(plain)).to.equal(false)
      expect(one.equals(other)).to.equal(false)
    })

    it('refuses what another secret sealed', async () => {
      const sealed = await (await create({ ...ours, secret: 'second' })).seal(plain)
      await expectRejection((await create(ours)).open(sealed), CaError, 'ERR_WRONG_KEY')
    })

    it('refuses what was sealed for another purpose', async () => {
      const sealed = await (await create({ ...ours, purpose: 'sidecar' })).seal(plain)
      await expectRejection((await create(ours)).open(sealed), CaError, 'ERR_WRONG_KEY')
    })

    it('refuses a sealed key with any byte changed', async () => {
      const protector = await create(ours)
      const sealed = await protector.seal(plain)
      // The work factor, where there is one, is not tried at its highest: that takes a GiB.
      for (const place of [...sealed.keys()].filter((index) => index !== 1)) {
        const changed = Buffer.from(sealed)
        changed[place] = (changed[place] ?? 0) ^ 0x01
        const opened = await protector.open(changed).then(
          () => 'opened',
          (error: unknown) => (error instanceof CaError ? error.code : error),
        )
        expect(opened).to.be.oneOf(['ERR_WRONG_KEY', 'ERR_SEALED_KEY'])
      }
    })

    it('refuses every beginning of a sealed key', async () => {
      const protector = await create(ours)
      const sealed = await protector.seal(plain)
      for (const length of sealed.keys()) {
        const opened = await protector.open(sealed.subarray(0, length)).then(
          () => 'opened',
          (error: unknown) => (error instanceof CaError ? error.code : error),
        )
        expect(opened).to.be.oneOf(['ERR_WRONG_KEY', 'ERR_SEALED_KEY'])
      }
    })

    it('refuses what is no sealed key at all', async () => {
      const protector = await create(ours)
      for (const bytes of [Buffer.alloc(0), Buffer.alloc(100), Buffer.alloc(100, 0xff)]) {
        await expectRejection(protector.open(bytes), CaError, 'ERR_SEALED_KEY')
      }
    })
  })
}
