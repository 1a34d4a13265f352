import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { open, rm } from 'node:fs/promises'

/** What the first administrator shows to become one. */
export interface BootstrapSecret {
  readonly file: string
  /** Whether this is the secret, in time that does not depend on it. */
  matches(text: string): boolean
  /** Whether it has made an administrator: it never makes another one. */
  readonly isSpent: boolean
  /** Uses it up, and deletes the file. */
  spend(): Promise<void>
}

const secretBytes = 32

/** Writes a new secret (mode 0600) in place of any that is there: an old one may have been read by then. */
export async function createBootstrapSecret(file: string): Promise<BootstrapSecret> {
  const secret = randomBytes(secretBytes).toString('base64url')
  await rm(file, { force: true })
  await using handle = await open(file, 'wx', 0o600)
  await handle.writeFile(`${secret}\n`)
  await handle.sync()
  const expected = digest(secret)
  let isSpent = false
  return {
    file,
    matches: (text) => timingSafeEqual(digest(text.trim()), expected),
    get isSpent() {
      return isSpent
    },
    spend: () => {
      isSpent = true
      return rm(file, { force: true })
    },
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
