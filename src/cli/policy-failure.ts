import { formatProblem, PolicyError } from '../policy/policy-error.ts'
import { CliError } from './failure.ts'

/** Runs `read` and words its refusal of a document as the controller's would be: one line each problem. */
export function policyFailure<T>(read: () => T): T {
  try {
    return read()
  } catch (cause: unknown) {
    if (!(cause instanceof PolicyError)) throw cause
    const problems = cause.problems.map(formatProblem)
    throw new CliError(
      'ERR_INVALID',
      problems.length === 0 ? cause.message : `refused for ${String(problems.length)} problems`,
      { cause, problems },
    )
  }
}
