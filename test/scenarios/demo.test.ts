import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { descendantsOf, lives, type ProcessFacts } from '../../src/demo/process-tree.ts'
import { until } from '../../src/demo/waiting.ts'

const program = fileURLToPath(new URL('../../src/main/blazon.ts', import.meta.url))

interface Demo {
  readonly child: ChildProcess
  readonly lines: readonly string[]
  /** Resolves with the first line that matches; rejects when the output ends without one. */
  readonly line: (pattern: RegExp) => Promise<string>
}

function startDemo(...args: readonly string[]): Demo {
  const child = spawn(process.execPath, [program, 'demo', ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const lines: string[] = []
  const reader = createInterface({ input: child.stdout })
  reader.on('line', (line) => lines.push(line))
  const line = (pattern: RegExp): Promise<string> =>
    new Promise((resolve, reject) => {
      const look = (text: string): void => {
        if (pattern.test(text)) resolve(text)
      }
      lines.forEach(look)
      reader.on('line', look)
      reader.on('close', () =>
        reject(new Error(`no line matches ${pattern.source}:\n${lines.join('\n')}`)),
      )
    })
  return { child, lines, line }
}

describe('the demonstration', function () {
  this.timeout(180_000)

  it('holds every check with --once, and exits with 0', async () => {
    const { child, lines } = startDemo('--once')
    const [code] = (await once(child, 'close')) as [number | null]
    expect(lines.filter((line) => line.startsWith('FAILED'))).to.deep.equal([])
    expect(code, lines.join('\n')).to.equal(0)
    expect(lines.filter((line) => line.startsWith('ok ')).length).to.be.greaterThan(30)
  })

  it('keeps running until Ctrl-C, and leaves nothing behind', async () => {
    const { child, line } = startDemo()
    const exited = once(child, 'exit') as Promise<[number | null]>
    const context = /BLAZON_CONTEXT=(.*)$/.exec(await line(/BLAZON_CONTEXT=/))?.[1] ?? ''
    await line(/^Ctrl-C ends everything/)
    const directory = context.replace(/\/administrator\/.*$/, '')
    expect(existsSync(directory)).to.be.true
    const family: ProcessFacts[] = descendantsOf(child.pid ?? 0)
    // Controller, seven sidecars, four programs and the guard, at the least.
    expect(family.length).to.be.at.least(13)

    child.kill('SIGINT')
    const [code] = await exited
    expect(code).to.equal(0)
    expect(existsSync(directory), directory).to.be.false
    const { signal } = new AbortController()
    await until('its processes to be gone', { signal, withinMs: 5_000 }, async () =>
      family.some(lives) ? undefined : true,
    )
  })
})
