import { readdir, readFile, stat } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { messageOf } from '../base/errors.ts'
import { CliError } from './failure.ts'
import type { Host } from './host.ts'

export interface DocumentFile {
  readonly text: string
  /** The name that messages use. */
  readonly source: string
}

/** What the controller takes in one call, in bytes. */
export const maxDocumentBytes: number = 4 * 1024 * 1024
const extensions = new Set(['.yaml', '.yml', '.json'])
const stdinName = '-'

/**
 * Reads files, directories (their YAML and JSON files by name) and `-` for stdin. No path at all
 * means stdin, unless that is a terminal. Throws `CliError`.
 */
export async function readDocumentFiles(
  host: Host,
  paths: readonly string[],
): Promise<DocumentFile[]> {
  if (paths.length === 0) {
    if (host.stdin.isTerminal) {
      throw new CliError('ERR_USAGE', 'expected -f FILE, or documents on stdin')
    }
    return [await readStdin(host)]
  }
  const files: DocumentFile[] = []
  for (const path of paths) {
    files.push(...(path === stdinName ? [await readStdin(host)] : await readPath(path)))
  }
  return files
}

async function readPath(path: string): Promise<DocumentFile[]> {
  try {
    const found = (await stat(path)).isDirectory() ? await documentsIn(path) : [path]
    return await Promise.all(found.map(readDocumentFile))
  } catch (cause) {
    if (cause instanceof CliError) throw cause
    throw new CliError('ERR_FILE', `cannot read ${path}: ${messageOf(cause)}`, { cause })
  }
}

async function documentsIn(directory: string): Promise<string[]> {
  const names = (await readdir(directory)).filter((name) => extensions.has(extname(name))).sort()
  if (names.length === 0) {
    throw new CliError('ERR_FILE', `${directory}: no .yaml, .yml or .json file in it`)
  }
  return names.map((name) => join(directory, name))
}

async function readDocumentFile(path: string): Promise<DocumentFile> {
  const { size } = await stat(path)
  if (size > maxDocumentBytes) throw tooLarge(path)
  return { text: await readFile(path, 'utf8'), source: path }
}

async function readStdin(host: Host): Promise<DocumentFile> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of host.stdin.read()) {
    size += chunk.length
    if (size > maxDocumentBytes) throw tooLarge('stdin')
    chunks.push(chunk)
  }
  return { text: Buffer.concat(chunks).toString('utf8'), source: 'stdin' }
}

function tooLarge(source: string): CliError {
  return new CliError('ERR_FILE', `${source}: larger than ${String(maxDocumentBytes)} bytes`, {
    hints: ['apply it in several files'],
  })
}
