import { expect } from 'chai'
import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import type { Readable } from 'node:stream'

const logger = new URL('../../src/main/logger.ts', import.meta.url).href
const many = 2_000

/** A process with a logger, `log`, that runs this. */
function logging(body: string): ChildProcessByStdio<null, Readable, null> {
  const script = `
    import { createLogger } from ${JSON.stringify(logger)}
    const log = createLogger({ level: 'info', name: 'test' })
    ${body}`
  return spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
}

function numbersIn(output: string): unknown[] {
  const lines = output.split('\n').slice(0, -1)
  return lines.map((line) => (JSON.parse(line) as { readonly number?: unknown }).number)
}

describe('the log on standard output', () => {
  const all = Array.from({ length: many }, (_, number) => number)
  const logAll = `for (let number = 0; number < ${String(many)}; number++) log.info({ number }, 'x');`

  for (const [how, end] of [
    ['ends by itself', ''],
    ['exits', 'process.exit(0)'],
    ['fails', "throw new Error('unforeseen')"],
  ] as const) {
    it(`is complete and in order when the process ${how}`, async () => {
      const output = await text(logging(logAll + end).stdout)
      expect(numbersIn(output)).to.deep.equal(all)
    })
  }

  it('shows a record of a process that has nothing more to say', async () => {
    const child = logging("log.info({ number: 7 }, 'x'); setInterval(() => undefined, 60_000)")
    const [first] = (await once(child.stdout, 'data')) as [Buffer]
    child.kill()
    expect(numbersIn(first.toString())).to.deep.equal([7])
  })
})
