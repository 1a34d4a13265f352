import { quote } from './errors.ts'

/** Every problem found in the environment, at once: a configuration is mended in one go, not one by one. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly problems: readonly string[]
  constructor(problems: readonly string[]) {
    super(problems.join('; '))
    this.problems = problems
  }
}

/** Turns the text of a variable into a value, or throws an error that says what was expected. */
export type Parse<T> = (text: string) => T

/**
 * Reads variables out of a record (usually `process.env`) and collects what is wrong with them.
 * `finish()` throws a `ConfigError` that names every problem, and unknown variables under `prefix`.
 */
export interface EnvReader {
  required<T>(name: string, parse: Parse<T>): T
  optional<T>(name: string, parse: Parse<T>): T | undefined
  fallback<T>(name: string, parse: Parse<T>, value: T): T
  problem(text: string): void
  finish(): void
}

export function readEnvironment(
  record: Readonly<Record<string, string | undefined>>,
  prefix: string,
): EnvReader {
  const problems: string[] = []
  const known = new Set<string>()

  const read = <T>(name: string, parse: Parse<T>): T | undefined => {
    known.add(name)
    const text = record[name]
    if (text === undefined || text === '') return undefined
    try {
      return parse(text)
    } catch (error: unknown) {
      problems.push(`${name}: ${error instanceof Error ? error.message : String(error)}`)
      return undefined
    }
  }

  return {
    required: <T>(name: string, parse: Parse<T>): T => {
      const value = read(name, parse)
      if (value === undefined && !problems.some((problem) => problem.startsWith(`${name}:`))) {
        problems.push(`${name}: required, but not set`)
      }
      // finish() throws before anybody can use the missing value.
      return value as T
    },
    optional: read,
    fallback: (name, parse, value) => read(name, parse) ?? value,
    problem: (text) => {
      problems.push(text)
    },
    finish: () => {
      for (const name of Object.keys(record)) {
        if (name.startsWith(prefix) && !known.has(name))
          problems.push(`${name}: not a known variable`)
      }
      if (problems.length > 0) throw new ConfigError(problems)
    },
  }
}

export const text: Parse<string> = (value) => value

/** A whole number within limits, in plain decimal. */
export function integer(least: number, most: number): Parse<number> {
  return (value) => {
    const number = Number(value)
    if (!/^[0-9]+$/.test(value) || number < least || number > most) {
      throw new Error(
        `expected a whole number from ${String(least)} to ${String(most)}, got ${quote(value)}`,
      )
    }
    return number
  }
}

const unitMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

/** A duration such as `500ms`, `30s`, `15m`, `1h` or `7d`, as milliseconds. */
export const duration: Parse<number> = (value) => {
  const match = /^([0-9]{1,9})(ms|s|m|h|d)$/.exec(value)
  const unit = unitMs[match?.[2] ?? '']
  if (match === null || unit === undefined) {
    throw new Error(`expected a duration such as 30s, 15m or 1h, got ${quote(value)}`)
  }
  return Number(match[1]) * unit
}

export interface HostPort {
  readonly host: string
  readonly port: number
}

/** `host:port` or `[v6]:port`. */
export const hostPort: Parse<HostPort> = (value) => {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s]+)):([0-9]{1,5})$/.exec(value)
  const port = Number(match?.[3])
  const host = match?.[1] ?? match?.[2]
  if (host === undefined || port > 65_535) {
    throw new Error(`expected host:port (an IPv6 address in brackets), got ${quote(value)}`)
  }
  return { host, port }
}

/** The text form that `hostPort` reads back. */
export function formatHostPort({ host, port }: HostPort): string {
  return host.includes(':') ? `[${host}]:${String(port)}` : `${host}:${String(port)}`
}
