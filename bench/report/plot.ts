import type { Row } from '../row.ts'
import { numberText } from './number-text.ts'

const width = 880
const labelWidth = 400
const valueWidth = 150
const barsWidth = width - labelWidth - valueWidth
const rowHeight = 26
const headHeight = 34

/** Greys in the middle and colours that stand out from white and from black. */
const style = `
  text { font: 12px system-ui, sans-serif; fill: #57606a }
  .head { font-weight: 600 }
  .bar { fill: #2f81f7 } .missed { fill: #d1572c } .plain { fill: #8b949e }
  .spread { stroke: #24292f; stroke-width: 1.5 } .target { stroke: #1a7f37; stroke-width: 2; stroke-dasharray: 3 2 }
  @media (prefers-color-scheme: dark) {
    text { fill: #adbac7 } .spread { stroke: #f0f6fc } .target { stroke: #57ab5a }
  }`

/**
 * Rows as bars, those of one metric on a scale of their own from zero: blue where a target is met,
 * orange where not, grey without one; a line from the least to the greatest round; the target dashed.
 */
export function barPlot(title: string, rows: readonly Row[]): string {
  const groups = Map.groupBy(rows, ({ metric, unit }) =>
    unit === '' ? metric : `${metric}, ${unit}`,
  )
  const parts: string[] = []
  let y = 0
  for (const [head, members] of groups) {
    parts.push(`<text class="head" x="0" y="${String(y + headHeight - 12)}">${escape(head)}</text>`)
    y += headHeight
    const most = Math.max(
      ...members.map(({ max, ours, target = 0 }) => Math.max(max, ours, target)),
    )
    for (const row of members) {
      parts.push(...bar(row, y, most === 0 ? 0 : barsWidth / most))
      y += rowHeight
    }
  }
  const height = String(y + 8)
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${String(width)} ${height}" width="${String(width)}" height="${height}" role="img">
<title>${escape(title)}</title>
<style>${style}
</style>
${parts.join('\n')}
</svg>
`
}

function bar(row: Row, y: number, perUnit: number): string[] {
  const { test, ours, min, max, target, met } = row
  const at = (value: number): string => (labelWidth + value * perUnit).toFixed(1)
  const middle = String(y + rowHeight / 2)
  const kind = target === undefined ? 'plain' : met ? 'bar' : 'missed'
  const value =
    target === undefined ? numberText(ours) : `${numberText(ours)} of ${numberText(target)}`
  const parts = [
    `<text x="${String(labelWidth - 8)}" y="${String(y + rowHeight / 2 + 4)}" text-anchor="end">${escape(test)}</text>`,
    `<rect class="${kind}" x="${String(labelWidth)}" y="${String(y + 5)}" width="${(ours * perUnit).toFixed(1)}" height="${String(rowHeight - 10)}" rx="2"/>`,
    `<line class="spread" x1="${at(min)}" x2="${at(max)}" y1="${middle}" y2="${middle}"/>`,
    `<text x="${String(width - valueWidth + 8)}" y="${String(y + rowHeight / 2 + 4)}">${value}</text>`,
  ]
  if (target !== undefined) {
    const x = at(target)
    parts.push(
      `<line class="target" x1="${x}" x2="${x}" y1="${String(y + 1)}" y2="${String(y + rowHeight - 1)}"/>`,
    )
  }
  return parts
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
