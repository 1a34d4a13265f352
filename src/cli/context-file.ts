import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { access, mkdir, open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { codeOf, messageOf } from '../base/errors.ts'
import { decodeContext, encodeContext, type Context } from './context.ts'
import { CliError } from './failure.ts'

const ownerOnly = 0o600
const anybodyElse = 0o077
const maxContextBytes = 1024 * 1024

/**
 * Reads the credential of this user. Throws `CliError` when there is none, when somebody else may
 * read or own the file, or when it is not a context.
 */
export async function readContextFile(path: string): Promise<Context> {
  const text = await readPrivateFile(path)
  return decodeContext(text, path)
}

async function readPrivateFile(path: string): Promise<string> {
  const file = await openContext(path)
  try {
    // The open file is asked, not the path: nothing can be swapped in between.
    const { mode, uid, size } = await file.stat()
    if ((mode & anybodyElse) !== 0) {
      throw new CliError(
        'ERR_CONTEXT_INVALID',
        `${path}: expected mode 0600, got 0${(mode & 0o777).toString(8)}: others may have read its key`,
        { hints: [`if nobody did: chmod 600 ${path}; if in doubt, log in again`] },
      )
    }
    if (process.getuid !== undefined && uid !== process.getuid()) {
      throw new CliError(
        'ERR_CONTEXT_INVALID',
        `${path}: belongs to user ${String(uid)}, not to us`,
      )
    }
    if (size > maxContextBytes) {
      throw new CliError(
        'ERR_CONTEXT_INVALID',
        `${path}: too large for a context: ${String(size)} bytes`,
      )
    }
    return await file.readFile('utf8')
  } finally {
    await file.close()
  }
}

async function openContext(path: string): Promise<Awaited<ReturnType<typeof open>>> {
  try {
    return await open(path, 'r')
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') {
      throw new CliError('ERR_CONTEXT_MISSING', `not logged in: there is no ${path}`, {
        cause,
        hints: ['`blazon login` makes it', '$BLAZON_CONTEXT names another file'],
      })
    }
    throw new CliError('ERR_CONTEXT_INVALID', `cannot read ${path}: ${messageOf(cause)}`, { cause })
  }
}

/**
 * Throws `CliError` ERR_FILE where a context could not be written: asked before a one-time secret is
 * spent on a credential that would then be lost.
 */
export async function requireWritable(path: string): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    await access(dirname(path), constants.W_OK)
  } catch (cause) {
    throw new CliError('ERR_FILE', `cannot write ${path}: ${messageOf(cause)}`, { cause })
  }
}

/** Replaces the context as a whole, readable by its owner only; a crash leaves the old one or the new one. */
export async function writeContextFile(path: string, context: Context): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}`
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    const file = await open(
      temporary,
      constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
      ownerOnly,
    )
    try {
      await file.writeFile(encodeContext(context))
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (cause) {
    await rm(temporary, { force: true })
    throw new CliError('ERR_FILE', `cannot write ${path}: ${messageOf(cause)}`, { cause })
  }
}
