import { pino, stdTimeFunctions, type DestinationStream } from 'pino'
import type { LogFields, Logger } from '../base/logger.ts'
import { bufferedStdout } from './log-output.ts'
import { redact } from './log-redaction.ts'

/** The levels of a record, most talkative first; `silent` drops every record. */
export const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

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
    formatters: {
      level: (label: string): object => ({ level: label }),
      log: (fields: LogFields) => redact(fields),
    },
    serializers: { error: describeError },
  }
  return pino(settings, options.destination ?? bufferedStdout())
}

/** What a log says of an error: no enumerable properties beyond these, for they may hold a request. */
function describeError(thrown: unknown): unknown {
  if (!(thrown instanceof Error)) return thrown
  const code = 'code' in thrown ? { code: thrown.code } : {}
  const cause = thrown.cause === undefined ? {} : { cause: describeError(thrown.cause) }
  return { name: thrown.name, message: thrown.message, stack: thrown.stack, ...code, ...cause }
}
