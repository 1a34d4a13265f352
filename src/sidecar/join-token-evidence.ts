import { readFile } from 'node:fs/promises'
import { messageOf, quote } from '../base/errors.ts'
import { evidenceCodec } from '../rpc/index.ts'
import type { JoinTokenSource } from './evidence-choice.ts'
import type { PreparedEvidence } from './evidence-source.ts'
import { SidecarError } from './sidecar-error.ts'

const largestTokenBytes = 16 * 1024

/** The join token, read anew: a file may have been given a new one since. */
export async function joinTokenEvidence(
  source: JoinTokenSource,
  signal: AbortSignal,
): Promise<PreparedEvidence> {
  const token = await readToken(source, signal)
  const evidence = evidenceCodec.encode({ joinToken: { token } })
  return () => evidence
}

async function readToken(source: JoinTokenSource, signal: AbortSignal): Promise<string> {
  if (source.kind === 'value') return source.token.reveal()
  try {
    const token = (await readFile(source.path, { encoding: 'utf8', signal })).trim()
    if (token === '' || token.length > largestTokenBytes) {
      throw new Error(`expected 1 to ${String(largestTokenBytes)} characters`)
    }
    return token
  } catch (cause: unknown) {
    throw new SidecarError(
      'ERR_NO_EVIDENCE',
      `cannot read a join token from ${quote(source.path)}: ${messageOf(cause)}`,
      { cause },
    )
  }
}
