import type { IncomingMessage } from 'node:http'
import { messageOf } from '../../base/errors.ts'
import { RequestRefusal } from './request-guard.ts'

/** Reads a JSON body of at most `most` bytes; nothing beyond that is taken in. Throws `RequestRefusal`. */
export async function readJsonBody(request: IncomingMessage, most: number): Promise<unknown> {
  const announced = Number(request.headers['content-length'] ?? 0)
  if (announced > most) throw tooLarge(most)
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > most) throw tooLarge(most)
    chunks.push(chunk)
  }
  return parse(Buffer.concat(chunks))
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(utf8.decode(bytes))
  } catch (cause: unknown) {
    throw new RequestRefusal(400, `expected JSON: ${messageOf(cause)}`)
  }
}

function tooLarge(most: number): RequestRefusal {
  return new RequestRefusal(413, `expected a body of at most ${String(most)} bytes`)
}
