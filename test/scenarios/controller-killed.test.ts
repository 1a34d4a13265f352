import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import {
  connectTo,
  type ClientIdentity,
  type ControllerClient,
} from '../support/controller-client.ts'
import { startControllerProcess, type ControllerProcess } from '../support/controller-process.ts'
import { attestWith, renewWith, type EnrolledWorkload } from '../support/enrolment-client.ts'
import { claimAdministrator, testRule } from '../support/test-controller.ts'

const policy = (name: string): string => `
kind: NetworkPolicy
name: ${name}
spec: { from: { label.app: web }, to: { label.app: db }, action: allow }
`

describe('a controller that is killed while it writes', function () {
  this.timeout(120_000)

  let directory: string
  let controller: ControllerProcess
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'blazon-killed-'))
    controller = await startControllerProcess(directory)
  })
  afterEach(async () => {
    await controller.end('SIGKILL')
    await rm(directory, { recursive: true, force: true })
  })

  const connect = (identity?: ClientIdentity): ControllerClient =>
    connectTo(controller.address, controller.root, identity)

  /** Writes until the controller is gone; returns what was acknowledged. */
  async function writeUntilKilled(admin: ControllerClient, round: number): Promise<string[]> {
    const acknowledged: string[] = []
    const write = async (lane: number): Promise<void> => {
      for (let count = 0; ; count++) {
        const name = `policy-${String(round)}-${String(lane)}-${String(count)}`
        try {
          await admin.call('Apply', { text: policy(name) })
        } catch {
          return
        }
        acknowledged.push(name)
        if (acknowledged.length === 40) void controller.end('SIGKILL')
      }
    }
    await Promise.all([write(0), write(1), write(2), write(3)])
    return acknowledged
  }

  it('has every document that it acknowledged when it comes back', async () => {
    const administrator = await claimAdministrator(connect(), controller.secretFile)
    const acknowledged: string[] = []
    for (let round = 0; round < 3; round++) {
      using admin = connect(administrator)
      acknowledged.push(...(await writeUntilKilled(admin, round)))
      await controller.end('SIGKILL')
      controller = await startControllerProcess(directory)
    }
    using admin = connect(administrator)
    const { documents } = await admin.call('ListDocuments', {})
    const names = new Set(documents.map(({ document }) => document?.name))
    expect(acknowledged.length).to.be.at.least(120)
    expect(acknowledged.filter((name) => !names.has(name))).to.deep.equal([])
    const revisions = documents.map(({ document }) => document?.revision)
    expect(new Set(revisions).size).to.equal(documents.length)
  })

  it('knows the workloads that it enrolled, and their tokens, when it comes back', async () => {
    const administrator = await claimAdministrator(connect(), controller.secretFile)
    let enrolled: EnrolledWorkload
    let token: string
    {
      using admin = connect(administrator)
      using stranger = connect()
      await admin.call('Apply', { text: testRule })
      const label = { key: 'join', value: 'test' }
      token = (await admin.call('CreateJoinToken', { uses: 1, labels: [label] })).token
      enrolled = await attestWith(stranger, { name: 'web', token })
      await controller.end('SIGKILL')
    }
    controller = await startControllerProcess(directory)
    using client = connect(enrolled)
    const renewed = await renewWith(client, enrolled)
    expect(renewed.serial).to.not.equal(enrolled.serial)
    using stranger = connect()
    const again = await attestWith(stranger, { name: 'api', token }).catch(
      (error: unknown) => error,
    )
    expect(again)
      .to.have.property('details')
      .that.matches(/another node key/)
  })

  it('ends in order, with exit code 0, when it is told to', async () => {
    expect(await controller.end('SIGTERM')).to.equal(0)
  })
})
