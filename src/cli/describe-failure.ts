import { ConfigError } from '../base/env.ts'
import { messageOf } from '../base/errors.ts'
import { CliError, exitCodeOf } from './failure.ts'
import { printable, printableLines } from './printable.ts'

/** What a failure looks like on stderr, and the exit code that goes with it. */
export interface Failure {
  readonly text: string
  readonly exitCode: number
}

/**
 * Words any failure for a person: `error: ...`, then one line for each problem as `file:line:column: ...`,
 * then `hint: ...` lines. No stack, except for defects of this program.
 */
export function describeFailure(thrown: unknown): Failure {
  if (thrown instanceof CliError) {
    return failure(thrown.message, thrown.problems, thrown.hints, exitCodeOf(thrown.code))
  }
  if (thrown instanceof ConfigError) {
    return failure('the configuration cannot be used', thrown.problems, [], 2)
  }
  return failure(messageOf(thrown), isDefect(thrown) ? stackLines(thrown) : [], [], 1)
}

function failure(
  message: string,
  problems: readonly string[],
  hints: readonly string[],
  exitCode: number,
): Failure {
  const lines = [
    `error: ${printable(message)}`,
    ...problems.map(printable),
    ...hints.map((hint) => `hint: ${printable(hint)}`),
  ]
  return { text: lines.map((line) => `${line}\n`).join(''), exitCode }
}

const defectNames = new Set(['TypeError', 'ReferenceError', 'SyntaxError', 'AssertionError'])

function isDefect(thrown: unknown): thrown is Error {
  return (
    thrown instanceof Error && (defectNames.has(thrown.name) || thrown.message.startsWith('BUG:'))
  )
}

function stackLines(error: Error): string[] {
  return printableLines(error.stack ?? '')
    .split('\n')
    .slice(1)
}
