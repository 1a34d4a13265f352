import { constants } from 'node:fs'
import { link, open, unlink, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { randomBytes } from 'node:crypto'
import { codeOf, quote } from '../base/errors.ts'
import { CaError } from './errors.ts'
import { protectionKeyBytes } from './key-protector.ts'

/**
 * Reads the 32-byte protection key, creating it (mode 0600) if it is not there. Refuses a file that
 * others may read, that somebody else owns, that is a symbolic link or no file, or of another size.
 */
export async function readOrCreateKeyFile(path: string): Promise<Buffer> {
  return (await createKeyFile(path)) ?? (await readKeyFile(path))
}

/** The new key, or undefined when the path is taken. */
async function createKeyFile(path: string): Promise<Buffer | undefined> {
  const key = randomBytes(protectionKeyBytes)
  // Written in full beside its place and then linked to it: no crash leaves half a key there.
  const draft = `${path}.${randomBytes(6).toString('hex')}`
  try {
    await using cleanup = new AsyncDisposableStack()
    await using file = await open(draft, 'wx', 0o600)
    cleanup.defer(() => unlink(draft))
    await file.writeFile(key)
    await file.sync()
    await link(draft, path)
    // Keys sealed with it may become durable at once; it must not be the one that is lost.
    await using directory = await open(dirname(path), 'r')
    await directory.sync()
    return key
  } catch (cause: unknown) {
    if (codeOf(cause) === 'EEXIST') return undefined
    throw new CaError('ERR_KEY_FILE', `cannot create key file ${quote(path)}`, { cause })
  }
}

// No link is followed, and a pipe put in its place does not make the start hang.
const readFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

async function readKeyFile(path: string): Promise<Buffer> {
  try {
    await using file = await open(path, readFlags)
    await checkOwnership(file, path)
    const key = Buffer.alloc(protectionKeyBytes)
    const { bytesRead } = await file.read(key, 0, key.length, 0)
    if (bytesRead !== key.length) throw new Error(`only ${String(bytesRead)} bytes could be read`)
    return key
  } catch (cause: unknown) {
    if (cause instanceof CaError) throw cause
    throw new CaError('ERR_KEY_FILE', `cannot read key file ${quote(path)}`, { cause })
  }
}

async function checkOwnership(file: FileHandle, path: string): Promise<void> {
  const status = await file.stat()
  const mode = status.mode & 0o777
  const refuse = (expected: string, seen: string): CaError =>
    new CaError('ERR_KEY_FILE', `expected key file ${quote(path)} ${expected}, got ${seen}`)
  if (!status.isFile()) throw refuse('to be a regular file', 'something else')
  if ((mode & 0o177) !== 0) throw refuse('to have mode 0600', `0${mode.toString(8)}`)
  if (status.uid !== process.geteuid?.()) {
    throw refuse('to belong to this process', `user ${String(status.uid)}`)
  }
  if (status.size !== protectionKeyBytes) {
    throw refuse(`to hold ${String(protectionKeyBytes)} bytes`, `${String(status.size)} bytes`)
  }
}
