import { pino, stdTimeFunctions, type DestinationStream } from 'pino'
import type { Logger } from '../base/logger.ts'

/** The levels of a record, most talkative first; `silent` drops every record. */
export const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

/** Field names whose value never reaches a log, at the top of a record or one level inside it. */
const secretFields: readonly string[] = [
  'token',
  'joinToken',
  'secret',
  'password',
  'passphrase',
  'authorization',
  'privateKey',
  'sealedKey',
  'nodeKey',
  'cookie',
]

/**
 * A logger that writes one JSON record a line, with an ISO time, to stdout or to `destination`.
 * Values of secret fields are replaced by `[redacted]`; `Error` values under `error` keep code, message and causes.
 */
export function createLogger(options: {
  readonly level: LogLevel
  readonly name: string
  readonly destination?: DestinationStream
}): Logger {
  const settings = {
    name: options.name,
    level: options.level,
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string): object => ({ level: label }) },
    serializers: { error: describeError },
    redact: {
      paths: secretFields.flatMap((field) => [field, `*.${field}`]),
      censor: '[redacted]',
    },
  }
  return options.destination === undefined ? pino(settings) : pino(settings, options.destination)
}

/** What a log says of an error: no enumerable properties beyond these, for they may hold a request. */
function describeError(thrown: unknown): unknown {
  if (!(thrown instanceof Error)) return thrown
  const code = 'code' in thrown ? { code: thrown.code } : {}
  const cause = thrown.cause === undefined ? {} : { cause: describeError(thrown.cause) }
  return { name: thrown.name, message: thrown.message, stack: thrown.stack, ...code, ...cause }
}
