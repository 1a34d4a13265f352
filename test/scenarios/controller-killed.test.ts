import { mkdtemp, rm, writeFile } from 'node:fs/promises'
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
import { testKeyFile } from '../support/test-iid.ts'
import { testAccount, testInstance, type TestInstance } from '../support/test-instance.ts'
import { claimAdministrator, testRule } from '../support/test-controller.ts'

const policy = (name: string): string => `
kind: NetworkPolicy
name: ${name}
spec: { from: { label.app: web }, to: { label.app: db }, action: allow }
`

const instanceRule = `
kind: EnrolmentRule
name: instances
spec: { match: { aws.account: '${testAccount}' }, names: [web] }
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

  it('forgets no instance that it enrolled when it is killed in the middle of enrolments', async () => {
    const keysFile = join(directory, 'iid-keys.json')
    await writeFile(keysFile, testKeyFile())
    const environment = { BLAZON_AWS_IID_KEYS: keysFile, BLAZON_ENROLMENT_RATE: '10000' }
    const restart = async (): Promise<void> => {
      await controller.end('SIGKILL')
      controller = await startControllerProcess(directory, environment)
    }
    const administrator = await claimAdministrator(connect(), controller.secretFile)
    await restart()
    {
      using admin = connect(administrator)
      await admin.call('PutAccount', { accountId: testAccount })
      await admin.call('Apply', { text: instanceRule })
    }
    interface Acknowledged {
      readonly instance: TestInstance
      readonly workload: EnrolledWorkload
    }
    const pendingTimeMs = Date.now()
    const acknowledged: Acknowledged[] = []
    const enrolUntilKilled = async (lane: string, most: number): Promise<void> => {
      using client = connect()
      for (let count = 0; ; count++) {
        const instance = testInstance(`${lane}-${String(count)}`)
        const evidence = instance.evidence(pendingTimeMs)
        try {
          const workload = await attestWith(client, { name: 'web', evidence })
          acknowledged.push({ instance, workload })
        } catch {
          return
        }
        if (acknowledged.length === most) void controller.end('SIGKILL')
      }
    }
    for (let round = 1; round <= 3; round++) {
      const lanes = ['a', 'b', 'c', 'd'].map((lane) => `${lane}${String(round)}`)
      await Promise.all(lanes.map((lane) => enrolUntilKilled(lane, round * 30)))
      await restart()
    }
    expect(acknowledged.length).to.be.at.least(90)
    for (const { instance, workload } of acknowledged) {
      using client = connect(workload)
      await renewWith(client, workload)
      // Whoever comes with its document and another key finds the instance taken.
      using stranger = connect()
      const evidence = instance.evidence(pendingTimeMs)
      const refusal = await attestWith(stranger, { name: 'web', evidence }).catch(
        (error: unknown) => error,
      )
      expect(refusal)
        .to.have.property('details')
        .that.matches(/as good a right/)
    }
    using admin = connect(administrator)
    const { incidents } = await admin.call('ListIncidents', { limit: 1_000 })
    expect(incidents).to.have.length(acknowledged.length)
    const { workloads } = await admin.call('ListWorkloads', {})
    const ids = new Set(workloads.map(({ nodeKeySha256 }) => nodeKeySha256))
    expect(ids.size).to.equal(workloads.length)
  })

  it('ends in order, with exit code 0, when it is told to', async () => {
    expect(await controller.end('SIGTERM')).to.equal(0)
  })
})
