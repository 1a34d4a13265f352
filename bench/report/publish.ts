import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { readResults, type Result } from '../results.ts'
import { between } from './markers.ts'
import { percentText } from './number-text.ts'
import { barPlot } from './plot.ts'
import { resultTable } from './table.ts'

const readme = new URL('../README.md', import.meta.url)
const plots = new URL('../plots/', import.meta.url)

/** Writes every kept result into bench/README.md, between its markers, and draws its plot. */
export function publish(): void {
  mkdirSync(plots, { recursive: true })
  let text = readFileSync(readme, 'utf8')
  for (const result of readResults()) {
    writeFileSync(new URL(`${result.suite}.svg`, plots), barPlot(result.suite, result.rows))
    text = between(text, `bench:${result.suite}`, section(result))
  }
  writeFileSync(readme, text)
}

function section(result: Result): string {
  const { suite, machine, kernel, node, commit, dirty, date, otherLoad, rows } = result
  const state = dirty ? `${commit} with uncommitted changes` : commit
  const { cpu, cores, memoryGb, verifyMicroseconds: verify } = machine
  const where = [
    `${cpu}, ${String(cores)} cores, ${String(memoryGb)} GB`,
    ...(verify === undefined ? [] : [`a P-256 signature is verified in ${String(verify)} µs`]),
    `Linux ${kernel}; Node ${node}; commit ${state}; ${date}`,
    `other programs took ${percentText(otherLoad)} of the processors`,
  ].join('; ')
  return `${resultTable(rows)}\n\n![${suite}](plots/${suite}.svg)\n\n_${where}_`
}
