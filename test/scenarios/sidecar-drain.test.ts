import { once } from 'node:events'
import { expect } from 'chai'
import { connectClient, startApplication, type TestClient } from '../support/mesh-fixture.ts'
import { eventually } from '../support/poll.ts'
import { startProcessMesh, type ProcessMesh } from '../support/sidecar-process.ts'

async function openEcho({ entrance }: ProcessMesh): Promise<TestClient> {
  const client = connectClient(entrance, 'hello')
  await eventually('the echo', () => client.text() === 'hello')
  return client
}

for (const name of ['web', 'db'] as const) {
  const what = name === 'web' ? 'of the client' : 'of the server'
  describe(`a sidecar ${what} that gets SIGTERM`, function () {
    this.timeout(60_000)

    it('lets live connections finish, takes no new ones, and exits with 0', async () => {
      await using application = await startApplication()
      await using mesh = await startProcessMesh(application.address, { BLAZON_DRAIN: '30s' })
      const client = await openEcho(mesh)
      const startedAt = performance.now()
      const exited = mesh[name].end('SIGTERM')
      const refusal = name === 'web' ? 'ECONNREFUSED' : 'ECONNRESET'
      await eventually('the end of listening', async () => {
        const late = connectClient(mesh.entrance, 'hello')
        // One that comes before the signal has been read is served like the first.
        const served = new Promise((resolve) => {
          late.socket.once('data', resolve)
        })
        const outcome = await Promise.race([late.ended, served])
        late.socket.destroy()
        return outcome === refusal
      })
      client.socket.write(' and goodbye')
      await eventually('the echo', () => client.text() === 'hello and goodbye')
      client.socket.end()
      expect(await client.ended).to.equal('end')
      expect(await exited).to.equal(0)
      expect(performance.now() - startedAt).to.be.lessThan(30_000)
    })

    it('resets what is still open when the time is over, and exits with 0', async () => {
      await using application = await startApplication()
      await using mesh = await startProcessMesh(application.address, { BLAZON_DRAIN: '300ms' })
      const client = await openEcho(mesh)
      const [served] = application.sockets
      const broken = once(served!, 'error') as Promise<[NodeJS.ErrnoException]>
      expect(await mesh[name].end('SIGTERM')).to.equal(0)
      expect(await client.ended).to.equal('ECONNRESET')
      expect((await broken)[0].code).to.equal('ECONNRESET')
    })
  })
}
