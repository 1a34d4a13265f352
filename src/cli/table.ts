import { styleText } from 'node:util'
import { printable } from './printable.ts'

/** What a cell means; the colour follows from it, and only on a terminal. */
export type Tone = 'good' | 'bad' | 'warn' | 'dim' | 'strong'

export interface Styled {
  readonly text: string
  readonly tone: Tone
}
export type Cell = string | Styled

export interface Column {
  readonly title: string
  readonly align?: 'left' | 'right'
  /** Least width in characters, for tables whose rows are not known yet. */
  readonly least?: number
}

const formats = { good: 'green', bad: 'red', warn: 'yellow', dim: 'gray', strong: 'bold' } as const
const gap = '  '

/** Text in the colour of its tone, or as it is where colours are not wanted. */
export function paint(text: string, tone: Tone, colour: boolean): string {
  return colour ? styleText(formats[tone], text, { validateStream: false }) : text
}

/** Aligned rows under their titles, one line each, no trailing blanks. Cells are made printable. */
export function tableLines(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  colour: boolean,
): string[] {
  const shown = rows.map((row) => row.map(printableCell))
  const widths = columns.map((column, index) =>
    Math.max(
      widthOf(column.title),
      column.least ?? 0,
      ...shown.map((row) => widthOf(textOf(row[index] ?? ''))),
    ),
  )
  const title = columns.map((column): Styled => ({ text: column.title, tone: 'dim' }))
  return [title, ...shown].map((row) => rowLine(columns, widths, row, colour))
}

/** `name: value` lines with the values in one column. */
export function pairLines(pairs: readonly (readonly [string, Cell])[], colour: boolean): string[] {
  const width = Math.max(...pairs.map(([name]) => widthOf(name))) + 1
  return pairs.map(([name, value]) => {
    const label = paint(`${name}:`.padEnd(width), 'dim', colour)
    return `${label} ${paintCell(printableCell(value), colour)}`.trimEnd()
  })
}

function rowLine(
  columns: readonly Column[],
  widths: readonly number[],
  row: readonly Cell[],
  colour: boolean,
): string {
  const last = columns.length - 1
  const cells = columns.map((column, index) => {
    const cell = row[index] ?? ''
    const blanks = ' '.repeat((widths[index] ?? 0) - widthOf(textOf(cell)))
    const painted = paintCell(cell, colour)
    if (column.align === 'right') return blanks + painted
    return index === last ? painted : painted + blanks
  })
  return cells.join(gap).trimEnd()
}

function printableCell(cell: Cell): Cell {
  return typeof cell === 'string'
    ? printable(cell)
    : { text: printable(cell.text), tone: cell.tone }
}

function paintCell(cell: Cell, colour: boolean): string {
  return typeof cell === 'string' ? cell : paint(cell.text, cell.tone, colour)
}

function textOf(cell: Cell): string {
  return typeof cell === 'string' ? cell : cell.text
}

/** Code points, not UTF-16 units; wide East Asian characters are counted as one. */
function widthOf(text: string): number {
  return Array.from(text).length
}
