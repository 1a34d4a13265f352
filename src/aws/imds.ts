import { setTimeout as delay } from 'node:timers/promises'
import { createBackoff } from '../base/backoff.ts'
import { systemClock, type Clock } from '../base/clock.ts'
import { formatHostPort, type HostPort } from '../base/env.ts'
import { messageOf } from '../base/errors.ts'
import { AwsError } from './aws-error.ts'
import { exchange, type Answer, type Exchange } from './bounded-exchange.ts'
import { imdsEndpoints } from './imds-endpoint.ts'

/** The instance metadata service, version 2: every read carries a token of this instance. */
export interface Imds {
  /**
   * What is at a path such as `/latest/meta-data/mac`; `undefined` where there is nothing. Throws
   * `AwsError`, or the reason of `signal`.
   */
  read(path: string, signal: AbortSignal): Promise<Buffer | undefined>
}

export interface ImdsOptions {
  /** Tried in this order; the one that has answered is asked first from then on. */
  readonly endpoints?: readonly HostPort[]
  /** For one request and its answer; the service is on this machine. */
  readonly timeoutMs?: number
  /** Before the second try; doubled for each one after it. */
  readonly firstPauseMs?: number
  readonly clock?: Pick<Clock, 'monotonic'>
}

/** Where a token came from, and until when (monotonic) it is used. */
interface Token {
  readonly endpoint: HostPort
  readonly value: string
  readonly goodUntilMs: number
}

const tokenPath = '/latest/api/token'
const tokenSeconds = 300
/** A token is not used in its last seconds: the answer would come too late for it. */
const tokenMarginMs = 10_000
const mostTokenBytes = 1_024
const mostBytes = 64 * 1024
/** It throttles per instance, and other programs of this instance ask it too. */
const mostTries = 4

export function createImds(options: ImdsOptions = {}): Imds {
  const { timeoutMs = 1_000, firstPauseMs = 100, clock = systemClock } = options
  let endpoints = options.endpoints ?? imdsEndpoints
  let token: Token | undefined

  /** From the first endpoint that answers at all. `undefined`: not now, try again. */
  const newToken = async (signal: AbortSignal): Promise<Token | undefined> => {
    const failures: string[] = []
    for (const endpoint of endpoints) {
      const askedMs = clock.monotonic()
      const answer = await exchange(tokenRequest(endpoint, timeoutMs), signal).catch(
        (error: unknown) => {
          signal.throwIfAborted()
          if (error instanceof AwsError) throw error
          failures.push(`${formatHostPort(endpoint)}: ${messageOf(error)}`)
        },
      )
      if (answer === undefined) continue
      endpoints = [endpoint, ...endpoints.filter((other) => other !== endpoint)]
      const value = tokenOf(answer, endpoint)
      const goodUntilMs = askedMs + tokenSeconds * 1_000 - tokenMarginMs
      return value === undefined ? undefined : { endpoint, value, goodUntilMs }
    }
    throw unreachable(failures)
  }

  const readOnce = async (path: string, signal: AbortSignal): Promise<Answer | undefined> => {
    if (token === undefined || clock.monotonic() >= token.goodUntilMs) {
      token = await newToken(signal)
    }
    if (token === undefined) return undefined
    const { endpoint, value } = token
    const headers = { 'x-aws-ec2-metadata-token': value }
    const request = { to: endpoint, method: 'GET', path, headers, mostBytes, timeoutMs } as const
    const answer = await exchange(request, signal).catch((error: unknown) => {
      signal.throwIfAborted()
      if (error instanceof AwsError) throw error
      token = undefined // if it is gone for good, asking for another one finds out
      return undefined
    })
    return answer === undefined || isPassing(answer.status) ? undefined : answer
  }

  return {
    read: async (path, signal) => {
      const backoff = createBackoff({ firstMs: firstPauseMs, longestMs: 2_000 })
      let refusedTokens = 0
      for (let tries = 1; ; tries += 1) {
        const answer = await readOnce(path, signal)
        if (answer?.status === 401) {
          // The token has expired early, or is that of an instance this one was cloned from.
          token = undefined
          if (++refusedTokens > 1) throw refusedToken(path)
          continue
        }
        if (answer !== undefined) return contentOf(answer, path)
        if (tries >= mostTries) throw busy(path)
        await delay(backoff.next(), undefined, { signal })
      }
    },
  }
}

function tokenRequest(to: HostPort, timeoutMs: number): Exchange {
  return {
    to,
    method: 'PUT',
    path: tokenPath,
    headers: {
      'x-aws-ec2-metadata-token-ttl-seconds': String(tokenSeconds),
      'content-length': '0',
    },
    mostBytes: mostTokenBytes,
    timeoutMs,
  }
}

/** `undefined`: throttled, or not well for the moment. */
function tokenOf({ status, body }: Answer, endpoint: HostPort): string | undefined {
  if (isPassing(status)) return undefined
  if (status === 403) throw turnedOff()
  const text = body.toString('latin1')
  // It goes into a header as it is.
  if (status === 200 && /^[\x21-\x7e]+$/.test(text)) return text
  throw new AwsError(
    'ERR_IMDS_ANSWER',
    `expected a token from the metadata service at ${formatHostPort(endpoint)}, got status ${String(status)} and ${String(body.length)} bytes`,
  )
}

function contentOf({ status, body }: Answer, path: string): Buffer | undefined {
  switch (status) {
    case 200:
      return body
    case 404:
      return undefined
    case 403:
      throw turnedOff()
    default:
      throw new AwsError(
        'ERR_IMDS_ANSWER',
        `expected ${path} from the metadata service, got status ${String(status)}`,
      )
  }
}

function isPassing(status: number): boolean {
  return status === 429 || status >= 500
}

function turnedOff(): AwsError {
  return new AwsError('ERR_IMDS_OFF', 'the metadata service is turned off for this instance')
}

function refusedToken(path: string): AwsError {
  return new AwsError(
    'ERR_IMDS_TOKEN',
    `the metadata service refused a token for ${path} that it had just given`,
  )
}

function busy(path: string): AwsError {
  return new AwsError(
    'ERR_IMDS_BUSY',
    `no answer for ${path} after ${String(mostTries)} tries: the metadata service throttles or fails`,
  )
}

/** The hop limit is what it most often is, and nothing else says so: the packets just end. */
function unreachable(failures: readonly string[]): AwsError {
  return new AwsError(
    'ERR_IMDS_UNREACHABLE',
    `no metadata service answers (${failures.join('; ')}); on an instance it has to be enabled, and in a container its hop limit has to be 2 or more (HttpPutResponseHopLimit)`,
  )
}
