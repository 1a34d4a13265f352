import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'

const directory = new URL('../vectors/', import.meta.url)

/**
 * Compares text that people read with the file it was last agreed on, under test/vectors/.
 * `UPDATE=1` writes the file instead: look at the difference before committing it.
 */
export function expectGolden(name: string, text: string): void {
  const file = new URL(name, directory)
  if (process.env['UPDATE'] === '1') {
    mkdirSync(fileURLToPath(new URL('.', file)), { recursive: true })
    writeFileSync(file, text)
    return
  }
  expect(text).to.equal(readFileSync(file, 'utf8'))
}
