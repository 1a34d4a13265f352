import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import type { Readable } from 'node:stream'
import { SidecarError } from '../../src/sidecar/sidecar-error.ts'
import { openStateDirectory } from '../../src/sidecar/state-directory.ts'
import { lockStateDirectory } from '../../src/sidecar/state-lock.ts'
import { FakeController } from '../support/fake-controller.ts'
import { startTestSidecar, temporaryDirectory } from '../support/mesh-fixture.ts'

async function lock(path: string): Promise<Disposable> {
  return await lockStateDirectory(path, await openStateDirectory(path))
}

async function failureOf(work: Promise<unknown>): Promise<SidecarError> {
  const outcome = await work.then(
    () => 'no error',
    (error: unknown) => error,
  )
  expect(outcome).to.be.instanceOf(SidecarError)
  return outcome as SidecarError
}

/** A process that asks for the lock, and says so when it has it. */
function spawnHolder(path: string): ChildProcess & { readonly stdout: Readable } {
  const script = join(import.meta.dirname, '../support/lock-holder.ts')
  return spawn(process.execPath, [script, path], { stdio: ['ignore', 'pipe', 'ignore'] })
}

async function startHolder(path: string): Promise<ChildProcess> {
  const holder = spawnHolder(path)
  await once(holder.stdout, 'data')
  return holder
}

describe('the lock on a state directory', () => {
  it('lets no second sidecar in, and names the first', async () => {
    await using directory = await temporaryDirectory()
    await using controller = await new FakeController().start()
    const stateDirectory = join(directory.path, 'web')
    const wish = { name: 'web', stateDirectory }
    await using first = await startTestSidecar(controller, wish)
    await first.whenReady(AbortSignal.timeout(20_000))
    const second = await failureOf(startTestSidecar(controller, wish))
    expect(second.code).to.equal('ERR_STATE_LOCKED')
    expect(second.message).to.equal(
      `the state directory "${stateDirectory}" is in use by another sidecar (pid ${String(process.pid)}): each needs one of its own`,
    )
    expect(controller.attests).to.have.lengthOf(1)
    expect(first.notReady()).to.be.empty

    await first[Symbol.asyncDispose]()
    await using third = await startTestSidecar(controller, wish)
    expect(third.notReady()).to.be.empty
  })

  it('is let go of when the sidecar does not come up', async () => {
    await using directory = await temporaryDirectory()
    await using controller = await new FakeController().start()
    const stateDirectory = join(directory.path, 'web')
    const key = join(stateDirectory, 'node.key')
    const wish = { name: 'web', stateDirectory }
    await using first = await startTestSidecar(controller, wish)
    await first[Symbol.asyncDispose]()
    const pem = await readFile(key)
    await writeFile(key, 'no key')
    expect((await failureOf(startTestSidecar(controller, wish))).code).to.equal('ERR_NODE_KEY')
    await writeFile(key, pem)
    await using second = await startTestSidecar(controller, wish)
    await second.whenReady(AbortSignal.timeout(20_000))
  })

  it('holds between processes, and is taken over from one that was killed', async () => {
    await using directory = await temporaryDirectory()
    const path = join(directory.path, 'state')
    const holder = await startHolder(path)
    try {
      const refused = await failureOf(lock(path))
      expect(refused.code).to.equal('ERR_STATE_LOCKED')
      expect(refused.message).to.contain(`(pid ${String(holder.pid)})`)
      // Reading or asking again must not loosen it.
      expect((await failureOf(lock(path))).code).to.equal('ERR_STATE_LOCKED')
    } finally {
      holder.kill('SIGKILL')
      await once(holder, 'exit')
    }
    expect(await readFile(join(path, 'lock.pid'), 'utf8')).to.equal(String(holder.pid))
    using taken = await lock(path)
    expect(taken).to.have.property(Symbol.dispose)
    expect(await readFile(join(path, 'lock.pid'), 'utf8')).to.equal(String(process.pid))
  })

  it('of a dead process goes to one of those that want it, however many', async () => {
    await using directory = await temporaryDirectory()
    const path = join(directory.path, 'state')
    const dead = await startHolder(path)
    dead.kill('SIGKILL')
    await once(dead, 'exit')
    const holders = [spawnHolder(path), spawnHolder(path), spawnHolder(path)]
    const outcomes = holders.map(async (holder) => {
      const outcome = await Promise.race([
        once(holder.stdout, 'data').then(() => 'locked'),
        once(holder, 'exit').then(() => 'refused'),
      ])
      return outcome
    })
    try {
      expect((await Promise.all(outcomes)).sort()).to.deep.equal(['locked', 'refused', 'refused'])
    } finally {
      for (const holder of holders) {
        if (holder.exitCode !== null) continue
        holder.kill('SIGKILL')
        await once(holder, 'exit')
      }
    }
    const tries = await Promise.allSettled(Array.from({ length: 8 }, () => lock(path)))
    const taken = tries.filter((one) => one.status === 'fulfilled')
    expect(taken).to.have.lengthOf(1)
    for (const { value } of taken) value[Symbol.dispose]()
  })

  it('is nobody else’s to read, and is refused where it is no lock', async () => {
    await using directory = await temporaryDirectory()
    const path = join(directory.path, 'state')
    const first = await lock(path)
    for (const name of ['lock', 'lock.pid']) {
      expect((await stat(join(path, name))).mode & 0o777).to.equal(0o600)
    }
    first[Symbol.dispose]()
    await writeFile(join(path, 'lock'), 'x'.repeat(4_096))
    const refused = await failureOf(lock(path))
    expect(refused.code).to.equal('ERR_STATE_DIRECTORY')
    expect(refused.message).to.match(/^cannot lock the state directory ".*": /)
  })
}).timeout(60_000)
