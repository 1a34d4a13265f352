import { createReadStream } from 'node:fs'
import { messageOf } from '../base/errors.ts'
import { CliError } from './failure.ts'

/** Reads a file, or a pipe such as the shell's `<(...)`, up to `maxBytes`. Throws `CliError` ERR_FILE. */
export async function readBounded(path: string, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  try {
    // `end` is inclusive: one byte more than allowed tells that there is more.
    for await (const chunk of createReadStream(path, { end: maxBytes })) {
      chunks.push(chunk as Buffer)
    }
  } catch (cause: unknown) {
    throw new CliError('ERR_FILE', `cannot read ${path}: ${messageOf(cause)}`, { cause })
  }
  const bytes = Buffer.concat(chunks)
  if (bytes.length <= maxBytes) return bytes
  throw new CliError('ERR_FILE', `${path}: larger than ${String(maxBytes)} bytes`)
}
