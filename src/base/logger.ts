/** Structured facts of one log record, under fixed names (`workload`, `peer`, `reason`, `duration_ms`, ...). */
export type LogFields = Readonly<Record<string, unknown>>

/** What every subsystem logs through. The message is a constant phrase; what varies goes in the fields. */
export interface Logger {
  debug(fields: LogFields, message: string): void
  info(fields: LogFields, message: string): void
  warn(fields: LogFields, message: string): void
  error(fields: LogFields, message: string): void
}

/** Drops every record: for tests, and for tools that print their own output. */
export const silentLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
}
