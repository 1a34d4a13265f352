import { execFileSync } from 'node:child_process'
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { codeOf } from '../../src/base/errors.ts'
import type { FlowRecord } from '../../src/rpc/generated/blazon/v1/FlowRecord.ts'
import {
  connectTo,
  type ClientIdentity,
  type ControllerClient,
} from '../support/controller-client.ts'
import { startControllerProcess, type ControllerProcess } from '../support/controller-process.ts'
import { attestWith } from '../support/enrolment-client.ts'
import { expectStatus } from '../support/expect-status.ts'
import { claimAdministrator, testRule } from '../support/test-controller.ts'

const bucketStartMs = Math.floor(Date.now() / 10_000) * 10_000

/** As many records, each of a kind of its own. */
const records = (sequence: number): FlowRecord[] =>
  Array.from({ length: 500 }, (_, index) => ({
    bucketStartMs,
    direction: 'EGRESS',
    destinationAddress: `10.0.${String(sequence)}.2`,
    destinationPort: index + 1,
    verdict: 'ALLOW',
    reason: 'allowed-by-policy',
    policy: 'web-to-db',
    encryption: 'REQUIRED',
    opened: 1,
    closed: 1,
  }))

describe('a controller on a disk that is full', function () {
  this.timeout(120_000)

  let directory: string
  let disk: string
  let controller: ControllerProcess
  before(function () {
    if (process.getuid?.() !== 0) this.skip()
  })
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'blazon-disk-'))
    disk = join(directory, 'disk')
    mkdirSync(disk)
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16m,mode=0700', 'tmpfs', disk])
    controller = await startControllerProcess(disk)
  })
  afterEach(async () => {
    await controller.end('SIGKILL')
    execFileSync('umount', [disk])
    await rm(directory, { recursive: true })
  })

  const connect = (identity?: ClientIdentity): ControllerClient =>
    connectTo(controller.address, controller.root, identity)
  const filler = (): string => join(disk, 'filler')
  const fill = (): void => {
    const file = openSync(filler(), 'a')
    try {
      for (;;) writeSync(file, Buffer.alloc(4_096))
    } catch (error: unknown) {
      if (codeOf(error) !== 'ENOSPC') throw error
    } finally {
      closeSync(file)
    }
  }

  it('refuses flows and changes, and has all that it acknowledged when there is room again', async () => {
    const administrator = await claimAdministrator(connect(), controller.secretFile)
    using admin = connect(administrator)
    using stranger = connect()
    await admin.call('Apply', { text: testRule })
    const label = { key: 'join', value: 'test' }
    const { token } = await admin.call('CreateJoinToken', { uses: 1, labels: [label] })
    const workload = await attestWith(stranger, { name: 'web', token })
    using sidecar = connect(workload)
    const report = (sequence: number): Promise<unknown> =>
      sidecar.call('ReportFlows', { runId: 'run', sequence, records: records(sequence) })
    const opened = async (client: ControllerClient): Promise<number> =>
      (await client.call('ListFlows', { limit: 10_000 })).flows.length

    await report(1)
    fill()
    // There may be room left in files that were larger before.
    let sequence = 1
    const refusal = await (async () => {
      for (;;) await report(++sequence)
    })().catch((error: unknown) => error)
    expect(refusal).to.have.property('details').that.matches(/disk/)
    const policies: string[] = []
    const apply = async (name: string): Promise<void> => {
      const spec = '{ from: { label.app: web }, to: { label.app: db }, action: allow }'
      await admin.call('Apply', { text: `kind: NetworkPolicy\nname: ${name}\nspec: ${spec}\n` })
      policies.push(name)
    }
    const applyAll = async (): Promise<never> => {
      for (;;) await apply(`policy-${String(policies.length)}`)
    }
    await expectStatus(applyAll(), 'RESOURCE_EXHAUSTED', /nothing was changed/)
    expect(await opened(admin)).to.equal((sequence - 1) * 500)

    rmSync(filler())
    await report(sequence)
    await report(sequence)
    await controller.end('SIGKILL')
    controller = await startControllerProcess(disk)
    using again = connect(administrator)
    expect(await opened(again)).to.equal(sequence * 500)
    const { documents } = await again.call('ListDocuments', {})
    const names = documents.map(({ document }) => document?.name)
    expect(names).to.include.members(policies)
  })
})
