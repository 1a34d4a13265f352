import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmod, copyFile, mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'

const launcher = fileURLToPath(new URL('../../bin/blazon.mjs', import.meta.url))
/** Makes the present Node say that it is an old one. */
const actOld = `data:text/javascript,${encodeURIComponent(
  "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.1.0' } })",
)}`

interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

function start(words: readonly string[], cwd?: string): ChildProcess {
  return spawn(process.execPath, words, {
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(cwd === undefined ? {} : { cwd }),
  })
}

async function exitOf(child: ChildProcess): Promise<number | null> {
  const [code] = (await once(child, 'exit')) as [number | null]
  return code
}

async function endOf(child: ChildProcess): Promise<Ended> {
  const { stdout, stderr } = child
  if (stdout === null || stderr === null) throw new Error('BUG: expected pipes')
  const [out, err, [code, signal]] = await Promise.all([
    text(stdout),
    text(stderr),
    once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>,
  ])
  return { code, signal, stdout: out, stderr: err }
}

describe('bin/blazon.mjs', function () {
  this.timeout(20_000)

  it('runs the program in a Node that is new enough', async () => {
    const { code, stdout, stderr } = await endOf(start([launcher, '--version']))
    expect([code, stderr]).to.deep.equal([0, ''])
    expect(stdout).to.match(/^\d+\.\d+\.\d+\n$/)
  })

  it('passes on the exit code 2 of wrong usage', async () => {
    expect(await endOf(start([launcher, 'bogus']))).to.include({ code: 2, stdout: '' })
  })

  it('is quiet when its reader goes away', async () => {
    const child = start([launcher, '--help'])
    child.stdout?.destroy()
    const { stderr } = child
    if (stderr === null) throw new Error('BUG: expected a pipe')
    const [said, code] = await Promise.all([text(stderr), exitOf(child)])
    expect([code, said]).to.deep.equal([0, ''])
  })

  describe('beside a bundle', () => {
    let directory: string
    const at = (...path: readonly string[]): string => join(directory, ...path)
    /** Writes a file as if so many seconds ago. */
    const write = async (path: string, text: string, secondsAgo: number): Promise<void> => {
      await mkdir(join(at(path), '..'), { recursive: true })
      await writeFile(at(path), text)
      const time = Date.now() / 1_000 - secondsAgo
      await utimes(at(path), time, time)
    }
    const age = async (path: string, secondsAgo: number): Promise<void> => {
      const time = Date.now() / 1_000 - secondsAgo
      await utimes(at(path), time, time)
    }
    const said = async (): Promise<string> =>
      (await endOf(start([at('bin', 'blazon.mjs')]))).stdout.trim()

    beforeEach(async () => {
      directory = await mkdtemp(join(tmpdir(), 'blazon-bin-'))
      await mkdir(at('bin'))
      await copyFile(launcher, at('bin', 'blazon.mjs'))
      await write('package-lock.json', '{}', 60)
      await write('src/main/blazon.ts', "console.log('source')", 60)
      await write('src/policy/decide.ts', '', 60)
      await write('dist/blazon.mjs', "console.log('bundle')", 30)
      for (const folder of ['src', 'src/main', 'src/policy']) await age(folder, 60)
    })
    afterEach(() => rm(directory, { recursive: true, force: true }))

    it('runs the bundle where nothing has changed since', async () => {
      expect(await said()).to.equal('bundle')
      await mkdir(at('.git'))
      expect(await said()).to.equal('bundle')
    })

    it('runs the bundle of what is shipped, however old', async () => {
      await age('src/policy/decide.ts', 0)
      expect(await said()).to.equal('bundle')
    })

    const changes: Readonly<Record<string, () => Promise<void>>> = {
      'a source file was edited': () => age('src/policy/decide.ts', 0),
      'a source file was removed': () => rm(at('src/policy/decide.ts')),
      'dependencies have changed': () => age('package-lock.json', 0),
    }
    for (const [what, change] of Object.entries(changes)) {
      it(`runs the source of a clone where ${what} since`, async () => {
        await writeFile(at('.git'), 'gitdir: elsewhere')
        await change()
        expect(await said()).to.equal('source')
      })
    }
  })

  describe('under an old Node', () => {
    let directory: string
    beforeEach(async () => {
      directory = await mkdtemp(join(tmpdir(), 'blazon-bin-'))
      await mkdir(join(directory, 'bin'))
      await copyFile(launcher, join(directory, 'bin', 'blazon.mjs'))
    })
    afterEach(() => rm(directory, { recursive: true, force: true }))

    const old = (...words: readonly string[]): ChildProcess =>
      start(['--import', actOld, join(directory, 'bin', 'blazon.mjs'), ...words])

    async function installRuntime(script: string): Promise<void> {
      const runtime = join(directory, 'node_modules', `node-linux-${process.arch}`)
      await mkdir(join(runtime, 'bin'), { recursive: true })
      await writeFile(join(runtime, 'package.json'), '{"name":"runtime","version":"1.0.0"}')
      await writeFile(join(runtime, 'bin', 'node'), `#!/bin/sh\n${script}\n`)
      await chmod(join(runtime, 'bin', 'node'), 0o755)
    }

    it('says in one sentence what is missing', async () => {
      const { code, stdout, stderr } = await endOf(old('status'))
      expect([code, stdout]).to.deep.equal([1, ''])
      expect(stderr).to.match(/^error: blazon needs Node 26 or newer, this is 20\.1\.0: [^\n]*\n$/)
    })

    it('hands over to the pinned runtime, with arguments and exit code', async () => {
      await installRuntime('echo "$@"; exit 7')
      const { code, stdout } = await endOf(old('get', '-o', 'json'))
      expect(code).to.equal(7)
      expect(stdout).to.equal(`${join(directory, 'src', 'main', 'blazon.ts')} get -o json\n`)
    })

    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      it(`passes ${signal} on and waits for the program to end`, async () => {
        const name = signal.slice(3)
        await installRuntime(
          `trap 'echo got ${name}; exit 5' ${name}; echo ready; while :; do sleep 0.02; done`,
        )
        const child = old('flows')
        child.stdout?.once('data', () => child.kill(signal))
        expect(await endOf(child)).to.include({ code: 5, stdout: `ready\ngot ${name}\n` })
      })
    }

    it('ends by the signal that ended the program', async () => {
      await installRuntime('kill -TERM $$')
      expect(await endOf(old('flows'))).to.include({ code: null, signal: 'SIGTERM' })
    })
  })
})
