import { execFileSync } from 'node:child_process'
import { chmod, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { CaError } from '../../src/ca/errors.ts'
import { readOrCreateKeyFile } from '../../src/ca/key-file.ts'
import { expectRejection } from '../support/expect-error.ts'

describe('readOrCreateKeyFile()', () => {
  let directory = ''
  const path = (): string => join(directory, 'ca.key')
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'blazon-key-file-'))
  })
  afterEach(() => rm(directory, { recursive: true }))

  const refused = (): Promise<void> =>
    expectRejection(readOrCreateKeyFile(path()), CaError, 'ERR_KEY_FILE')

  it('creates 32 random bytes with mode 0600 and leaves nothing else behind', async () => {
    const key = await readOrCreateKeyFile(path())
    expect(key).to.have.lengthOf(32)
    expect(await readFile(path())).to.deep.equal(key)
    expect((await stat(path())).mode & 0o777).to.equal(0o600)
    expect(await readdir(directory)).to.deep.equal(['ca.key'])
  })

  it('reads back what it created', async () => {
    expect(await readOrCreateKeyFile(path())).to.deep.equal(await readOrCreateKeyFile(path()))
  })

  it('gives one key to all who start at the same moment', async () => {
    const keys = await Promise.all([1, 2, 3, 4].map(() => readOrCreateKeyFile(path())))
    expect(new Set(keys.map((key) => key.toString('hex'))).size).to.equal(1)
  })

  for (const mode of [0o640, 0o604, 0o660, 0o700, 0o644]) {
    it(`refuses mode 0${mode.toString(8)}`, async () => {
      await readOrCreateKeyFile(path())
      await chmod(path(), mode)
      await refused()
    })
  }

  for (const bytes of [0, 31, 33, 64]) {
    it(`refuses ${String(bytes)} bytes`, async () => {
      await writeFile(path(), Buffer.alloc(bytes), { mode: 0o600 })
      await refused()
    })
  }

  it('refuses a symbolic link', async () => {
    await writeFile(join(directory, 'elsewhere'), Buffer.alloc(32), { mode: 0o600 })
    await symlink(join(directory, 'elsewhere'), path())
    await refused()
  })

  it('refuses a directory', async () => {
    await rm(path(), { force: true })
    await expectRejection(readOrCreateKeyFile(directory), CaError, 'ERR_KEY_FILE')
  })

  it('refuses a pipe without waiting for a writer', async () => {
    execFileSync('mkfifo', ['-m', '600', path()])
    await refused()
  })

  it('refuses a path whose directory is not there', async () => {
    const missing = join(directory, 'missing', 'ca.key')
    await expectRejection(readOrCreateKeyFile(missing), CaError, 'ERR_KEY_FILE')
  })
})
