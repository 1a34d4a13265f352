import { readdirSync, readFileSync } from 'node:fs'

/** A case of test/vectors/<subject>/: header lines `name: value`, an empty line, then the input. */
export interface Vector {
  readonly name: string
  readonly about: string
  /** `accept`, or the code of the error. */
  readonly expect: string
  /** All header lines. */
  readonly header: ReadonlyMap<string, string>
  readonly body: string
}

export function readVectors(subject: string): readonly Vector[] {
  const folder = new URL(`../vectors/${subject}/`, import.meta.url)
  const files = readdirSync(folder).filter((file) => file.endsWith('.txt'))
  if (files.length === 0) throw new Error(`no vectors in ${subject}`)
  return files.map((file) => parseVector(file, readFileSync(new URL(file, folder), 'utf8')))
}

function parseVector(file: string, text: string): Vector {
  const blank = text.indexOf('\n\n')
  const lines = text.slice(0, blank).split('\n')
  const header = new Map(
    lines.map((line) => {
      const colon = line.indexOf(': ')
      return [line.slice(0, colon), line.slice(colon + 2)]
    }),
  )
  const expect = header.get('expect')
  const about = header.get('about')
  if (blank === -1 || expect === undefined || about === undefined) {
    throw new Error(`${file}: expected the header lines "about" and "expect", and an empty line`)
  }
  return { name: file.slice(0, -4), about, expect, header, body: text.slice(blank + 2) }
}

/** The body of a vector as bytes: hex, with any white space. */
export function hexBody({ name, body }: Vector): Buffer {
  const digits = body.replace(/\s/g, '')
  const bytes = Buffer.from(digits, 'hex')
  if (bytes.length * 2 !== digits.length) throw new Error(`${name}: expected hex`)
  return bytes
}
