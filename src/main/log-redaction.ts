import type { LogFields } from '../base/logger.ts'

/** Field names whose value never reaches a log, at the top of a record or one level inside it. */
const secretFields: ReadonlySet<string> = new Set([
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
])
const censor = '[redacted]'

/**
 * The fields with `[redacted]` in the place of secrets. A record without any, which is every record
 * of a connection, is handed back as it is.
 */
export function redact(fields: LogFields): LogFields {
  let redacted: Record<string, unknown> | undefined
  for (const [name, value] of Object.entries(fields)) {
    const shown = secretFields.has(name) ? censor : redactInside(value)
    if (shown !== value) redacted = { ...(redacted ?? fields), [name]: shown }
  }
  return redacted ?? fields
}

/** Errors are left alone: of them only what `describeError` names is written. */
function redactInside(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || value instanceof Error) return value
  const secrets = Object.keys(value).filter((name) => secretFields.has(name))
  if (secrets.length === 0) return value
  return { ...value, ...Object.fromEntries(secrets.map((name) => [name, censor])) }
}
