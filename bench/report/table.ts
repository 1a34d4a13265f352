import type { Row } from '../row.ts'
import { numberText } from './number-text.ts'

interface Column {
  readonly title: string
  readonly right?: boolean
  text(row: Row): string
}

const always: readonly Column[] = [
  { title: 'test', text: ({ test }) => test },
  {
    title: 'metric',
    text: ({ metric, unit }) => (unit === '' ? metric : `${metric}, ${unit}`),
  },
  { title: 'measured', right: true, text: ({ ours }) => `**${numberText(ours)}**` },
  {
    title: 'least – most',
    right: true,
    text: ({ min, max }) => `${numberText(min)} – ${numberText(max)}`,
  },
]

/** Columns that are there where a row has something to say in them. */
const sometimes: readonly Column[] = [
  { title: 'direct', right: true, text: ({ direct }) => optional(direct) },
  { title: 'best peer', text: peerText },
  { title: 'ratio', right: true, text: ({ ratio }) => optional(ratio) },
  { title: 'target', right: true, text: ({ target }) => optional(target) },
  { title: 'met', text: ({ target, met }) => (target === undefined ? '' : met ? 'yes' : '**no**') },
]

function optional(value: number | undefined): string {
  return value === undefined ? '' : numberText(value)
}

function peerText({ bestPeer, peers }: Row): string {
  return bestPeer === undefined ? '' : `${bestPeer} ${optional(peers?.[bestPeer])}`
}

/** The rows as a Markdown table, with what has to be known of single rows beneath it. */
export function resultTable(rows: readonly Row[]): string {
  const columns = [
    ...always,
    ...sometimes.filter((column) => rows.some((row) => column.text(row) !== '')),
  ]
  const notes = [...new Set(rows.flatMap(({ note }) => note ?? []))]
  const mark = ({ note }: Row): string =>
    note === undefined ? '' : ` <sup>${String(notes.indexOf(note) + 1)}</sup>`
  const lines = [
    columns.map(({ title }) => title),
    columns.map(({ right }) => (right === true ? '---:' : '---')),
    ...rows.map((row) =>
      columns.map((column, at) => column.text(row) + (at === 0 ? mark(row) : '')),
    ),
  ]
  const table = lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')
  if (notes.length === 0) return table
  const listed = notes.map((note, at) => `<sup>${String(at + 1)}</sup> ${note}`)
  return `${table}\n\n${listed.join('<br>\n')}`
}
