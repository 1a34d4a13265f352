import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { connectClient, startApplication, temporaryDirectory } from '../support/mesh-fixture.ts'
import { eventually } from '../support/poll.ts'
import { startProcessMesh } from '../support/sidecar-process.ts'

const run = promisify(execFile)
const build = fileURLToPath(new URL('../../scripts/build.ts', import.meta.url))
/** An idle sidecar takes 31 to 35 MB of its own; one that strips types at run time takes 65. */
const mostIdleBytes = 42 * 2 ** 20

describe('the bundled program', function () {
  this.timeout(60_000)
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>
  let program: string

  before(async () => {
    directory = await temporaryDirectory()
    program = join(directory.path, 'blazon.mjs')
    await run(process.execPath, [build, directory.path])
  })

  after(async () => {
    await directory[Symbol.asyncDispose]()
  })

  it('finds what lies beside its source', async () => {
    const source = fileURLToPath(new URL('../../src/main/blazon.ts', import.meta.url))
    for (const words of [['--version'], ['iid', '--help'], ['completion', 'bash']]) {
      const [bundled, plain] = await Promise.all(
        [program, source].map(async (file) => await run(process.execPath, [file, ...words])),
      )
      expect(bundled).to.deep.equal(plain)
    }
  })

  it('carries connections between two sidecars, which take little memory', async () => {
    await using application = await startApplication()
    await using mesh = await startProcessMesh(application.address, {}, program)
    const client = connectClient(mesh.entrance, 'hello')
    await eventually('the echo', () => client.text() === 'hello')
    client.socket.end()
    expect(await client.ended).to.equal('end')
    for (const sidecar of [mesh.web, mesh.db]) {
      expect(sidecar.anonymousBytes()).to.be.lessThan(mostIdleBytes)
    }
  })
})
