import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { keepResult } from '../support/long-results.ts'

const folder = new URL('../../bench/', import.meta.url)
const suites = readdirSync(new URL('suites/', folder))
  .filter((name) => name.endsWith('.ts'))
  .map((name) => name.slice(0, -'.ts'.length))
  .sort()

describe('the benchmark', function () {
  this.timeout(4 * 3_600_000)

  const name = 'runs every suite to its end, and keeps the results'
  it(name, async () => {
    await keepResult(name, async () => {
      const argv = [fileURLToPath(new URL('run.ts', folder)), ...suites]
      const child = spawn(process.execPath, argv, { stdio: 'inherit' })
      const [code] = (await once(child, 'exit')) as [number | null]
      expect(code).to.equal(0)
      return { suites: suites.length }
    })
  })
})
