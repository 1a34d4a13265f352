import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { bundleProgram, type Bundle } from '../support/bundle.ts'
import { connectClient, startApplication } from '../support/mesh-fixture.ts'
import { eventually } from '../support/poll.ts'
import { startProcessMesh } from '../support/sidecar-process.ts'

const run = promisify(execFile)
/** An idle sidecar takes 31 to 35 MB of its own; one that strips types at run time takes 65. */
const mostIdleBytes = 42 * 2 ** 20

describe('the bundled program', function () {
  this.timeout(60_000)
  let bundle: Bundle

  before(async () => {
    bundle = await bundleProgram()
  })

  after(async () => {
    await bundle[Symbol.asyncDispose]()
  })

  it('finds what lies beside its source', async () => {
    const source = fileURLToPath(new URL('../../src/main/blazon.ts', import.meta.url))
    for (const words of [['--version'], ['iid', '--help'], ['completion', 'bash']]) {
      const [bundled, plain] = await Promise.all(
        [bundle.program, source].map(async (file) => await run(process.execPath, [file, ...words])),
      )
      expect(bundled).to.deep.equal(plain)
    }
  })

  it('carries connections between two sidecars, which take little memory', async () => {
    await using application = await startApplication()
    await using mesh = await startProcessMesh(application.address, {}, bundle.program)
    const client = connectClient(mesh.entrance, 'hello')
    await eventually('the echo', () => client.text() === 'hello')
    client.socket.end()
    expect(await client.ended).to.equal('end')
    for (const sidecar of [mesh.web, mesh.db]) {
      expect(sidecar.anonymousBytes()).to.be.lessThan(mostIdleBytes)
    }
  })

  it('starts its workers from the bundle too', async () => {
    await using application = await startApplication()
    await using mesh = await startProcessMesh(
      application.address,
      { BLAZON_WORKERS: '2' },
      bundle.program,
    )
    const client = connectClient(mesh.entrance, 'hello')
    await eventually('the echo', () => client.text() === 'hello')
    const worker = join(bundle.directory, 'sidecar-worker.mjs')
    for (const pid of mesh.web.workers()) {
      expect(readFileSync(`/proc/${String(pid)}/cmdline`, 'utf8').split('\0')).to.include(worker)
    }
  })
})
