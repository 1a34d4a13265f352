import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import type { Circumstances } from './machine.ts'
import type { Row } from './row.ts'

/** What is kept of a suite: `bench/results/<suite>.json`. */
export interface Result extends Circumstances {
  readonly suite: string
  readonly rows: readonly KeptRow[]
}

export type KeptRow = Row & { readonly peers: Readonly<Record<string, number>> }

const folder = new URL('results/', import.meta.url)
const fileOf = (suite: string): URL => new URL(`${suite}.json`, folder)

export function writeResult(suite: string, found: Circumstances, rows: readonly Row[]): void {
  const kept = rows.map((row) => ({ ...row, ...rounded(row), peers: row.peers ?? {} }))
  mkdirSync(folder, { recursive: true })
  const result: Result = { suite, ...found, rows: kept }
  writeFileSync(fileOf(suite), `${JSON.stringify(result, undefined, 2)}\n`)
}

/** Every result that is kept, by name of the suite. */
export function readResults(): readonly Result[] {
  mkdirSync(folder, { recursive: true })
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as Result)
}

/** No measurement here is good to more than four digits. */
function rounded({ ours, min, max }: Row): Pick<Row, 'ours' | 'min' | 'max'> {
  const round = (value: number): number => Number(value.toPrecision(4))
  return { ours: round(ours), min: round(min), max: round(max) }
}
