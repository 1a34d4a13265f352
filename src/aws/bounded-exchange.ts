import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import type { HostPort } from '../base/env.ts'
import { formatHostPort } from '../base/env.ts'
import { AwsError } from './aws-error.ts'

/** One request, and what may be spent on its answer. */
export interface Exchange {
  readonly to: HostPort
  readonly method: 'GET' | 'PUT'
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  /** Body of the answer, in bytes; counted before it is kept. */
  readonly mostBytes: number
  /** From the first packet to the last. */
  readonly timeoutMs: number
}

export interface Answer {
  readonly status: number
  readonly body: Buffer
}

/**
 * Plain HTTP with limits: one connection, no redirect followed, and no proxy, whatever the
 * environment names (a token of the metadata service must not leave the machine). Rejects with Node's
 * error, with that of a timeout, with the reason of `signal`, or with `ERR_IMDS_TOO_LARGE`.
 */
export async function exchange(what: Exchange, signal: AbortSignal): Promise<Answer> {
  signal.throwIfAborted()
  const timeout = AbortSignal.timeout(what.timeoutMs)
  const { to, method, path, headers } = what
  const outgoing = request({
    ...to,
    method,
    path,
    headers,
    agent: false, // an agent of its own takes no proxy from the environment
    maxHeaderSize: 8 * 1024,
    signal: AbortSignal.any([signal, timeout]),
  })
  outgoing.on('error', () => undefined) // heard of below, or too late to matter
  try {
    outgoing.end()
    const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
    return { status: response.statusCode ?? 0, body: await readBody(response, what) }
  } catch (cause: unknown) {
    signal.throwIfAborted()
    if (!timeout.aborted || cause instanceof AwsError) throw cause
    throw new Error(`no answer within ${String(what.timeoutMs)} ms`, { cause: timeout.reason })
  } finally {
    outgoing.destroy()
  }
}

async function readBody(response: IncomingMessage, what: Exchange): Promise<Buffer> {
  const { to, path, mostBytes } = what
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > mostBytes) {
      throw new AwsError(
        'ERR_IMDS_TOO_LARGE',
        `expected at most ${String(mostBytes)} bytes of ${path} at ${formatHostPort(to)}`,
      )
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
