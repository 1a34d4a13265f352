import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CaError } from '../../src/ca/errors.ts'
import { readOrCreateKeyFile } from '../../src/ca/key-file.ts'
import { createKeyProtector } from '../../src/ca/key-protector.ts'
import { createPassphraseProtector } from '../../src/ca/passphrase.ts'
import { keyProtectorCompliance } from '../compliance/key-protector.ts'
import { expectError, expectRejection } from '../support/expect-error.ts'

keyProtectorCompliance('a given key', ({ secret, purpose }) =>
  createKeyProtector({ key: Buffer.alloc(32, secret), purpose }),
)

keyProtectorCompliance('a passphrase', ({ secret, purpose }) =>
  createPassphraseProtector({ passphrase: secret, purpose, workFactor: 2 }),
)

describe('a key file', () => {
  let directory = ''
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'blazon-key-'))
  })
  after(() => rm(directory, { recursive: true }))

  keyProtectorCompliance('from the file', async ({ secret, purpose }) =>
    createKeyProtector({ key: await readOrCreateKeyFile(join(directory, secret)), purpose }),
  )
})

describe('createKeyProtector()', () => {
  for (const bytes of [0, 16, 31, 33]) {
    it(`refuses a key of ${String(bytes)} bytes`, () => {
      const make = (): unknown => createKeyProtector({ key: Buffer.alloc(bytes), purpose: 'ca' })
      expectError(make, CaError, 'ERR_KEY_FILE')
    })
  }
})

describe('createPassphraseProtector()', () => {
  it('refuses an empty passphrase', () => {
    const make = (): unknown => createPassphraseProtector({ passphrase: '', purpose: 'ca' })
    expectError(make, CaError, 'ERR_KEY_FILE')
  })

  it('refuses a work factor that would take all memory, without trying', async () => {
    const protector = createPassphraseProtector({ passphrase: 'x', purpose: 'ca', workFactor: 2 })
    const sealed = await protector.seal(Buffer.from('key'))
    for (const workFactor of [0, 21, 255]) {
      sealed[1] = workFactor
      await expectRejection(protector.open(sealed), CaError, 'ERR_SEALED_KEY')
    }
  })

  it('takes a passphrase as it looks, however its accents are composed', async () => {
    const make = (passphrase: string): ReturnType<typeof createPassphraseProtector> =>
      createPassphraseProtector({ passphrase, purpose: 'ca', workFactor: 2 })
    await make('caf\u00e9').open(await make('cafe\u0301').seal(Buffer.from('key')))
  })
})
