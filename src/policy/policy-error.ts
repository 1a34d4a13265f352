/** What went wrong, for programs; the message and the problems say it for people. */
export type PolicyErrorCode = 'ERR_DOCUMENT' | 'ERR_POLICY_SET'

/** One thing that is wrong with a file, and where. */
export interface Problem {
  /** File name, or `kind/name` of a document that came without a file. */
  readonly source: string
  /** Counted from 1; 0 where the document has no lines (canonical JSON). */
  readonly line: number
  /** Counted from 1; 0 where the document has no lines. */
  readonly column: number
  readonly message: string
}

/** The one error of this folder: it carries every problem found, so that a file is mended in one go. */
export class PolicyError extends Error {
  override readonly name = 'PolicyError'
  readonly code: PolicyErrorCode
  readonly problems: readonly Problem[]
  constructor(code: PolicyErrorCode, problems: readonly Problem[], options?: ErrorOptions) {
    super(summary(problems), options)
    this.code = code
    this.problems = problems
  }
}

/** `file:line:column: message`, the form that editors and terminals can follow. */
export function formatProblem({ source, line, column, message }: Problem): string {
  if (line === 0) return `${source}: ${message}`
  return `${source}:${String(line)}:${String(column)}: ${message}`
}

function summary(problems: readonly Problem[]): string {
  const [first, ...others] = problems
  if (first === undefined) return 'refused'
  if (others.length === 0) return formatProblem(first)
  return `${formatProblem(first)} (and ${String(others.length)} more)`
}
