import { once } from 'node:events'
import { expect } from 'chai'
import { defaultLimits } from '../../src/tunnel/limits.ts'
import { keepResult } from '../support/long-results.ts'
import { connectClient, startApplication } from '../support/mesh-fixture.ts'
import { eventually } from '../support/poll.ts'
import { startProcessMesh, type ProcessMesh } from '../support/sidecar-process.ts'

/** Silence until the peer is asked, silence until it counts as dead, and where in an interval it fell silent. */
const mostSilentMs = 3 * defaultLimits.keepAliveMs + 2_000
/** For a new connection, the same of shorter intervals. */
const mostUnansweredMs = 3 * defaultLimits.answerMs + 2_000

function seconds(since: number): number {
  return Number(((performance.now() - since) / 1_000).toFixed(1))
}

async function echoes({ entrance }: ProcessMesh): Promise<boolean> {
  const client = connectClient(entrance, 'hello')
  await Promise.race([client.ended, eventually('the echo', () => client.text() === 'hello')])
  client.socket.destroy()
  return client.text() === 'hello'
}

describe('a sidecar whose peer is silent', function () {
  this.timeout(180_000)

  for (const dead of ['web', 'db'] as const) {
    const name =
      dead === 'db'
        ? 'resets the client, refuses new connections in time, and serves them when it is back'
        : 'resets the program, and serves the client when its sidecar is back'
    it(name, async () => {
      await keepResult(name, async () => {
        await using application = await startApplication()
        await using mesh = await startProcessMesh(application.address)
        const client = connectClient(mesh.entrance, 'hello')
        await eventually('the echo', () => client.text() === 'hello')
        const served = application.sockets[0]!
        const servedBroken = once(served, 'error') as Promise<[NodeJS.ErrnoException]>

        const startedAt = performance.now()
        mesh[dead].freeze()
        const figures: Record<string, number> = {}
        if (dead === 'db') {
          // On the tunnel that nobody knows to be dead, and then on one that cannot be had.
          for (const key of ['secondsUntilNewReset', 'secondsUntilNextReset']) {
            const openedAt = performance.now()
            expect(await connectClient(mesh.entrance, 'hello').ended).to.equal('ECONNRESET')
            figures[key] = seconds(openedAt)
            expect(performance.now() - openedAt).to.be.lessThan(mostUnansweredMs)
          }
          await eventually('both records', () => mesh.web.records.length === 2)
          for (const { reason } of mesh.web.records) expect(reason).to.equal('no-tunnel')
          expect(client.socket.destroyed).to.equal(false)
        }
        const near = dead === 'db' ? client.ended : servedBroken.then(([{ code }]) => code)
        expect(await near).to.equal('ECONNRESET')
        figures['secondsUntilReset'] = seconds(startedAt)
        expect(performance.now() - startedAt).to.be.lessThan(mostSilentMs)

        mesh[dead].thaw()
        await eventually('an echo again', () => echoes(mesh), 30_000)
        // The end that slept learns of it too.
        const far = dead === 'db' ? servedBroken.then(([{ code }]) => code) : client.ended
        expect(await far).to.equal('ECONNRESET')
        return figures
      })
    })
  }
})
