import { randomUUID } from 'node:crypto'
import {
  constants,
  chmod,
  link,
  mkdir,
  open,
  readFile,
  rename,
  stat,
  unlink,
} from 'node:fs/promises'
import { join } from 'node:path'
import { codeOf, messageOf, quote } from '../base/errors.ts'
import { SidecarError } from './sidecar-error.ts'

/** The private directory of one sidecar: small files, each replaced whole and durably. */
export interface StateDirectory {
  /** The content, or `undefined` when there is no such file. */
  read(name: string): Promise<Buffer | undefined>
  /** Replaces the file: after this has returned, a crash leaves the new content. */
  write(name: string, content: Buffer): Promise<void>
  /** Creates the file; throws (code `EEXIST`) when there is one. */
  create(name: string, content: Buffer): Promise<void>
  remove(name: string): Promise<void>
}

const largestFileBytes = 64 * 1024 * 1024

/**
 * Opens the directory, creating it with mode 0700. One that others may read or write, or that belongs
 * to somebody else, is refused: it holds the node key.
 */
export async function openStateDirectory(path: string): Promise<StateDirectory> {
  try {
    if ((await mkdir(path, { recursive: true, mode: 0o700 })) !== undefined)
      await chmod(path, 0o700)
    await checkPrivate(path, 0o077)
  } catch (cause: unknown) {
    if (cause instanceof SidecarError) throw cause
    throw refused(`cannot use ${quote(path)} as state directory: ${messageOf(cause)}`, cause)
  }
  return {
    read: async (name) => await readPrivate(join(path, name)),
    write: async (name, content) => {
      const next = join(path, `${name}.next`)
      await unlink(next).catch(ignoreMissing)
      await writeNew(next, content)
      await rename(next, join(path, name))
      await syncDirectory(path)
    },
    create: async (name, content) => {
      // Written aside and linked, so that a crash never leaves half a file under the final name.
      const aside = join(path, `${name}.${randomUUID()}.new`)
      await writeNew(aside, content)
      try {
        await link(aside, join(path, name))
        await syncDirectory(path)
      } finally {
        await unlink(aside)
      }
    },
    remove: async (name) => {
      await unlink(join(path, name)).catch(ignoreMissing)
    },
  }
}

async function readPrivate(path: string): Promise<Buffer | undefined> {
  try {
    const { size } = await checkPrivate(path, 0o077)
    if (size > largestFileBytes) throw refused(`${quote(path)} has ${String(size)} bytes`)
    return await readFile(path)
  } catch (error: unknown) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

async function checkPrivate(path: string, forbidden: number): Promise<{ size: number }> {
  const { mode, uid, size } = await stat(path)
  if ((mode & forbidden) !== 0) {
    throw refused(
      `${quote(path)} has mode ${(mode & 0o777).toString(8)}: nobody but its owner may have access`,
    )
  }
  const own = process.geteuid?.()
  if (own !== undefined && uid !== own) {
    throw refused(`${quote(path)} belongs to uid ${String(uid)}, this process is ${String(own)}`)
  }
  return { size }
}

async function writeNew(path: string, content: Buffer): Promise<void> {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
  const file = await open(path, flags, 0o600)
  try {
    await file.writeFile(content)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** A rename survives a crash only once the directory itself is on the disk. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, constants.O_RDONLY)
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}

function ignoreMissing(error: unknown): void {
  if (codeOf(error) !== 'ENOENT') throw error
}

function refused(message: string, cause?: unknown): SidecarError {
  return new SidecarError('ERR_STATE_DIRECTORY', message, { cause })
}
