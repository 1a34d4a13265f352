import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { descendantsOf, lives, type ProcessFacts } from '../../src/demo/process-tree.ts'
import { until } from '../../src/demo/waiting.ts'
import { whyNoNetwork } from '../support/network.ts'

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

/** Whatever is there while a demonstration runs. */
interface Traces {
  readonly directory: string
  readonly family: readonly ProcessFacts[]
  /** Network namespaces other than that of this test. */
  readonly networks: ReadonlySet<string>
}

/** Once a line tells that all is there. */
async function tracesOf({ child, line }: Demo, pattern: RegExp): Promise<Traces> {
  await line(pattern)
  const family = descendantsOf(child.pid ?? 0)
  // Controller, eight sidecars, four programs and the guard, at the least.
  expect(family.length).to.be.at.least(14)
  const controller = family.find(({ pid }) => commandOf(pid).includes('controller'))
  const directory = readlinkSync(`/proc/${String(controller?.pid)}/cwd`)
  expect(existsSync(directory), directory).to.be.true
  const networks = new Set([child.pid ?? 0, ...family.map(({ pid }) => pid)].map(networkOf))
  networks.delete(networkOf(process.pid))
  return { directory, family, networks }
}

const isUp = /^ {3}8 sidecars enrolled/
const isOver = /^Ctrl-C ends everything/

const networkOf = (pid: number): string => {
  try {
    return readlinkSync(`/proc/${String(pid)}/ns/net`)
  } catch {
    return 'gone'
  }
}

async function expectNothingLeft({ directory, family, networks }: Traces): Promise<void> {
  const { signal } = new AbortController()
  await until('its processes to be gone', { signal, withinMs: 10_000 }, async () =>
    family.some(lives) ? undefined : true,
  )
  await until('its files to be gone', { signal, withinMs: 10_000 }, async () =>
    existsSync(directory) ? undefined : true,
  )
  const inThem = readdirSync('/proc')
    .filter((name) => /^[0-9]+$/.test(name))
    .filter((name) => networks.has(networkOf(Number(name))))
  expect(inThem, 'processes in its networks').to.deep.equal([])
}

const whyNotRedirect = whyNoNetwork()

for (const form of ['explicit', 'redirect'] as const) {
  const reason = form === 'redirect' ? whyNotRedirect : undefined
  const suite = reason === undefined ? describe : describe.skip
  const title = `the demonstration, capture ${form}`

  suite(reason === undefined ? title : `${title} (${reason})`, function () {
    this.timeout(180_000)

    it('holds every check with --once, and exits with 0', async () => {
      const { child, lines } = startDemo('--once', '--capture', form)
      const [code] = (await once(child, 'close')) as [number | null]
      expect(lines.filter((line) => line.startsWith('FAILED'))).to.deep.equal([])
      expect(code, lines.join('\n')).to.equal(0)
      const checks = lines.filter((line) => line.startsWith('ok ')).length
      expect(checks).to.be.greaterThan(form === 'redirect' ? 50 : 30)
      expect(lines.filter((line) => line.startsWith(`   capture: ${form}, `))).to.have.length(1)
    })

    it('leaves nothing behind when it is killed', async () => {
      const demo = startDemo('--capture', form)
      const traces = await tracesOf(demo, isUp)
      // One for each workload and one for the rest.
      expect(traces.networks.size).to.equal(form === 'redirect' ? 9 : 0)
      demo.child.kill('SIGKILL')
      await expectNothingLeft(traces)
    })
  })
}

const defaultForm = whyNotRedirect === undefined ? 'redirect' : 'explicit'

describe(`the demonstration, on a machine where capture is ${defaultForm} by default`, function () {
  this.timeout(180_000)

  it('keeps running until Ctrl-C, and leaves nothing behind', async () => {
    const demo = startDemo()
    const exited = once(demo.child, 'exit') as Promise<[number | null]>
    const traces = await tracesOf(demo, isOver)
    expect(demo.lines.find((line) => line.includes('capture:'))).to.contain(defaultForm)
    demo.child.kill('SIGINT')
    const [code] = await exited
    expect(code).to.equal(0)
    expect(existsSync(traces.directory), traces.directory).to.be.false
    await expectNothingLeft(traces)
  })

  it('ends with everything when one of its processes is killed', async () => {
    const demo = startDemo()
    const exited = once(demo.child, 'exit') as Promise<[number | null]>
    const traces = await tracesOf(demo, isOver)
    const sidecar = traces.family.find(({ pid }) => commandOf(pid).includes('sidecar'))
    process.kill(sidecar?.pid ?? 0, 'SIGKILL')
    await demo.line(/^error: sidecar-.* ended: SIGKILL/)
    const [code] = await exited
    expect(code).to.equal(1)
    await expectNothingLeft(traces)
  })
})

function commandOf(pid: number): readonly string[] {
  return readFileSync(`/proc/${String(pid)}/cmdline`, 'utf8').split('\0')
}
