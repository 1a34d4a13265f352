import { join } from 'node:path'
import { expect } from 'chai'
import { FakeController } from '../support/fake-controller.ts'
import {
  connectClient,
  recordingLogger,
  startMesh,
  startTestSidecar,
  temporaryDirectory,
} from '../support/mesh-fixture.ts'
import { eventually } from '../support/poll.ts'

const ready = (): AbortSignal => AbortSignal.timeout(20_000)

describe('a sidecar whose certificate the controller does not accept any more', () => {
  it('enrols anew by itself when it was revoked while it could not be told', async () => {
    await using mesh = await startMesh()
    const { controller } = mesh
    const revoked = controller.watchOpens.find(({ name }) => name === 'web')?.serial
    await controller.stop()
    controller.revoke('web')
    controller.workload('web').generation += 1
    await controller.start()
    const fresh = await eventually(
      'the watch under a new certificate',
      () => controller.watchOpens.find(({ name, serial }) => name === 'web' && serial !== revoked),
      20_000,
    )
    expect(fresh.serial).to.not.equal(revoked)
    expect(controller.watchesRefused).to.be.greaterThan(0)
    expect(controller.attests).to.have.lengthOf(3)
    await mesh.web.whenReady(ready())
    await eventually('an echo', async () => {
      const client = connectClient(mesh.entrance, 'hello')
      const end = await Promise.race([
        client.ended,
        eventually('the echo', () => client.text() === 'hello').then(() => 'open'),
      ])
      client.socket.destroy()
      return end === 'open'
    })
  })

  it('says that it is not ready, and asks less and less often, when enrolment is refused too', async () => {
    await using mesh = await startMesh()
    const { controller } = mesh
    await controller.stop()
    controller.revoke('web')
    controller.refuseEnrolments = true
    const start = performance.now()
    await controller.start()
    const before = controller.attests.length
    await eventually('five tries', () => controller.attests.length >= before + 5, 30_000)
    // At least 125 ms after the refusal, then 125, 250, 500 and 1,000 between the tries.
    expect(performance.now() - start).to.be.greaterThan(1_900)
    expect(mesh.web.notReady()).to.include('no valid SVID')

    controller.refuseEnrolments = false
    controller.workload('web').generation += 1
    await mesh.web.whenReady(ready())
  })

  it('asks less and less often when what it is issued is not accepted either', async () => {
    await using directory = await temporaryDirectory()
    await using controller = await new FakeController().start()
    controller.refuseWatches = true
    const log = recordingLogger()
    const start = performance.now()
    await using sidecar = await startTestSidecar(controller, {
      name: 'web',
      stateDirectory: join(directory.path, 'web'),
      log,
    })
    await eventually('five enrolments', () => controller.attests.length >= 5, 30_000)
    // At least 125, 250, 500 and 1,000 ms after the refusals between them.
    expect(performance.now() - start).to.be.greaterThan(1_850)
    expect(log.of('SVID not accepted by the controller: enrolling anew')).to.have.length.within(
      4,
      5,
    )

    controller.refuseWatches = false
    controller.setPolicy('')
    await sidecar.whenReady(ready())
  })

  it('keeps its certificate over a plain outage', async () => {
    const log = recordingLogger()
    await using mesh = await startMesh({ log })
    const { controller } = mesh
    const serials = (): Set<string> => new Set(controller.watchOpens.map(({ serial }) => serial))
    const before = serials()
    await controller.stop()
    await eventually('three failures of each', () => log.of('controller lost').length >= 6, 20_000)
    await controller.start()
    await eventually('both to be back', () => controller.watching.length === 2, 20_000)
    expect(serials()).to.deep.equal(before)
    expect([controller.attests.length, controller.renewals.length]).to.deep.equal([2, 0])
    expect([mesh.web.notReady(), mesh.db.notReady()]).to.deep.equal([[], []])
  })
}).timeout(60_000)
