import { createHash, hash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { hasBody } from './answer.ts'

/** The beginning of a body, read before anybody knows where it goes. */
export interface HeldBody {
  readonly chunks: readonly Buffer[]
  /** SHA-256 of all of it, base64url; undefined: it is longer than what is held, and goes on behind. */
  readonly hash: string | undefined
}

/** Why a body was not held: too much is being held, or it came too slowly; or its sender has gone. */
export type BodyRefusal = 'limit-reached' | 'connection-reset'

/** Longest body that is held whole. */
export const mostHeldBytes = 1_048_576
const mostHeldByAll = 64 * mostHeldBytes
const holdMs = 60_000

/** Bytes of bodies that a sidecar holds at one time. */
export interface BodyMemory {
  /** False: there is no room for so many. */
  take(bytes: number): boolean
  give(bytes: number): void
}

export function createBodyMemory(most: number = mostHeldByAll): BodyMemory {
  let held = 0
  return {
    take: (bytes) => {
      if (held + bytes > most) return false
      held += bytes
      return true
    },
    give: (bytes) => {
      held -= bytes
    },
  }
}

export const emptyBody: HeldBody = { chunks: [], hash: hash('sha256', '', 'base64url') }
const longBody: HeldBody = { chunks: [], hash: undefined }

/**
 * Reads a body until its end, or as much as may be held; what comes behind that stays in the request.
 * The memory is given back when the answer is over.
 */
export async function holdBody(
  request: IncomingMessage,
  response: ServerResponse,
  memory: BodyMemory,
): Promise<HeldBody | BodyRefusal> {
  if (!hasBody(request)) return emptyBody
  if (Number(request.headers['content-length']) > mostHeldBytes) return longBody
  const chunks: Buffer[] = []
  const digest = createHash('sha256')
  let bytes = 0
  return await new Promise((resolve) => {
    const finish = (outcome: HeldBody | BodyRefusal): void => {
      clearTimeout(timer)
      request.off('data', onData).off('end', onEnd)
      request.pause()
      resolve(outcome)
    }
    const onData = (chunk: Buffer): void => {
      if (!memory.take(chunk.length)) {
        finish('limit-reached')
        return
      }
      bytes += chunk.length
      chunks.push(chunk)
      digest.update(chunk)
      if (bytes > mostHeldBytes) finish({ chunks, hash: undefined })
    }
    const onEnd = (): void => {
      finish({ chunks, hash: digest.digest('base64url') })
    }
    const timer = setTimeout(finish, holdMs, 'limit-reached')
    timer.unref()
    response.once('close', () => {
      memory.give(bytes)
      bytes = 0
      finish('connection-reset')
    })
    request.on('data', onData).on('end', onEnd)
  })
}
