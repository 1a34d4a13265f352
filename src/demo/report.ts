import { messageOf } from '../base/errors.ts'
import { DemoError } from './demo-error.ts'

/** What the demonstration tells, as it goes. */
export interface Report {
  heading(text: string): void
  say(text: string): void
  /**
   * Tries something and prints `ok` or `FAILED` with it; what `observe` returns is shown beside it.
   * Only an abort is thrown on.
   */
  check(what: string, observe: () => Promise<string>): Promise<void>
  /** Counts and prints something that failed outside of a check. */
  fail(text: string): void
  checked(): number
  failed(): number
}

export interface Output {
  write(text: string): unknown
  readonly colour: boolean
}

const codes = { bold: '1', dim: '2', red: '31', green: '32', cyan: '36' } as const
export type Tone = keyof typeof codes

/** Paints text where colour is wanted. */
export function painter(colour: boolean): (tone: Tone, text: string) => string {
  return (tone, text) => (colour ? `\u001b[${codes[tone]}m${text}\u001b[0m` : text)
}

export function createReport(output: Output, signal: AbortSignal): Report {
  const paint = painter(output.colour)
  let checked = 0
  let failed = 0
  const fail = (text: string): void => {
    failed += 1
    output.write(`${paint('red', 'FAILED')} ${text}\n`)
  }
  return {
    heading: (text) => void output.write(`\n${paint('bold', text)}\n`),
    say: (text) => void output.write(`   ${text}\n`),
    check: async (what, observe) => {
      checked += 1
      try {
        const seen = await observe()
        output.write(
          `${paint('green', 'ok')} ${what}${seen === '' ? '' : paint('dim', `: ${seen}`)}\n`,
        )
      } catch (error: unknown) {
        signal.throwIfAborted()
        fail(`${what}: ${messageOf(error)}`)
      }
    },
    fail: (text) => {
      checked += 1
      fail(text)
    },
    checked: () => checked,
    failed: () => failed,
  }
}

/** Throws ERR_CHECK with this sentence when the condition does not hold. */
export function demand(condition: boolean, otherwise: string): asserts condition {
  if (!condition) throw new DemoError('ERR_CHECK', otherwise)
}
