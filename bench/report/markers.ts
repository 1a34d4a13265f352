/**
 * Replaces what stands between `<!-- name -->` and the `<!-- /name -->` after it. Throws where the
 * markers are not there: a table that is published nowhere would go unnoticed.
 */
export function between(text: string, name: string, content: string): string {
  const [open, close] = [`<!-- ${name} -->`, `<!-- /${name} -->`]
  const start = text.indexOf(open)
  const end = text.indexOf(close, start)
  if (start === -1 || end === -1) throw new Error(`expected ${open} and ${close} in the text`)
  return `${text.slice(0, start + open.length)}\n${content}\n${text.slice(end)}`
}
