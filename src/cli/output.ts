import { stringify } from 'yaml'
import type { Host } from './host.ts'
import { printable } from './printable.ts'

export const outputForms = ['table', 'json', 'yaml'] as const
/** `table` is for people and may change; `json` and `yaml` only grow. */
export type OutputForm = (typeof outputForms)[number]

/** Writes a result: `value` as JSON or YAML, or the lines that `lines` makes of it for people. */
export function writeResult(
  host: Host,
  form: OutputForm,
  value: unknown,
  lines: () => readonly string[],
): void {
  host.stdout.write(form === 'table' ? joinLines(lines()) : encode(value, form))
}

/** One value as a whole document: indented JSON, or YAML. */
function encode(value: unknown, form: 'json' | 'yaml'): string {
  return form === 'json' ? `${JSON.stringify(value, null, 2)}\n` : stringify(value)
}

/** One value of an endless series: JSON on one line, or a YAML document with its separator. */
export function encodeNext(value: unknown, form: 'json' | 'yaml'): string {
  return form === 'json' ? `${JSON.stringify(value)}\n` : `---\n${stringify(value)}`
}

export function joinLines(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('')
}

/** Says something beside the result, on stderr. */
export function note(host: Host, text: string): void {
  host.stderr.write(`${printable(text)}\n`)
}
