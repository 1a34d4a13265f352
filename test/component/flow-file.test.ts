import { mkdtemp, open, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect } from 'chai'
import { createFlowFile, type FlowFile } from '../../src/controller/flows/flow-file.ts'
import { isUnusable, openFlowTables } from '../../src/controller/flows/flow-tables.ts'
import type { FlowBatch, FlowHalf, FlowReporter } from '../../src/controller/flows/half.ts'
import { StoreError } from '../../src/controller/store/store-error.ts'
import { expectError } from '../support/expect-error.ts'
import { halfBetween } from '../support/flow-halves.ts'

const batch = (change: Partial<FlowBatch>): FlowBatch => ({
  halves: [],
  links: [],
  reporters: [],
  losses: [],
  ...change,
})
const ports = (from: number, count: number, bucketStartMs = 0): FlowHalf[] =>
  Array.from({ length: count }, (_, port) =>
    halfBetween('web', 'db', { bucketStartMs, destinationPort: from + port }),
  )
const everything = { sinceMs: 0, untilMs: 1e12, workloadIds: undefined, limit: 10_000 }

describe('createFlowFile()', function () {
  this.timeout(20_000)

  let directory: string
  let path: string
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'blazon-flows-'))
    path = join(directory, 'flows.db')
  })
  afterEach(() => rm(directory, { recursive: true }))

  const opened = (maxBytes = 1e9): FlowFile =>
    createFlowFile(openFlowTables(path).database, maxBytes)
  const read = (file: FlowFile, change: Partial<typeof everything> = {}): readonly FlowHalf[] =>
    file.read({ ...everything, ...change }).halves

  it('adds counts to what is there, and no more than can be told apart', () => {
    using file = opened()
    const half = halfBetween('web', 'db', { bytesSent: Number.MAX_SAFE_INTEGER })
    file.add(batch({ halves: [half] }))
    file.add(batch({ halves: [half] }))
    expect(read(file)).to.deep.equal([{ ...half, opened: 2, closed: 2, bytesReceived: 40 }])
  })

  it('remembers the last runs of a workload only: each report may say another one', () => {
    using file = opened()
    const reporter = (workloadId: string, at: number): FlowReporter => ({
      workloadId,
      runId: `run-${String(at)}`,
      sequence: 1,
      reportedAtMs: at,
    })
    file.add(batch({ reporters: [reporter('db', 0)] }))
    for (let at = 1; at <= 100; at++) file.add(batch({ reporters: [reporter('web', at)] }))
    expect(file.reporters().map(({ reportedAtMs }) => reportedAtMs)).to.deep.equal([
      0, 97, 98, 99, 100,
    ])
  })

  it('finds halves by time, and by either workload', () => {
    using file = opened()
    const early = halfBetween('web', 'db')
    const late = halfBetween('web', 'db', { bucketStartMs: 10_000 })
    const other = halfBetween('api', 'web', { bucketStartMs: 10_000 })
    file.add(batch({ halves: [early, late, other] }))
    expect(read(file, { sinceMs: 1, untilMs: 10_000 })).to.deep.equal([])
    expect(read(file, { untilMs: 10_000 })).to.deep.equal([early])
    const ofWorkload = (id: string): readonly FlowHalf[] =>
      file.read({ ...everything, workloadIds: [id] }).halves
    expect(ofWorkload('web')).to.have.length(3)
    expect(ofWorkload('db')).to.have.deep.members([early, late])
    expect(ofWorkload('api')).to.deep.equal([other])
    const newest = file.read({ ...everything, workloadIds: ['web', 'db'], limit: 2 }).halves
    expect(newest).to.have.deep.members([late, other])
  })

  it('gives the other end of what it finds, in whatever bucket', () => {
    using file = opened()
    const egress = halfBetween('web', 'db')
    const ingress = halfBetween('db', 'web', { direction: 'ingress', bucketStartMs: 10_000 })
    const link = { egressId: egress.id, ingressId: ingress.id }
    file.add(batch({ halves: [egress, ingress], links: [link, link] }))
    const { halves, links } = file.read({ ...everything, untilMs: 10_000 })
    expect(halves).to.have.deep.members([egress, ingress])
    expect(links).to.deep.equal([link])
  })

  it('knows after a restart who has reported how far, and what was lost', () => {
    const reporter = { workloadId: 'web', runId: 'run', sequence: 4, reportedAtMs: 9 }
    {
      using file = opened()
      file.add(batch({ reporters: [reporter] }))
      file.add(
        batch({
          reporters: [{ ...reporter, sequence: 5 }],
          losses: [{ workloadId: 'web', bucketStartMs: 0, lost: 3 }],
        }),
      )
    }
    using file = opened()
    expect(file.reporters()).to.deep.equal([{ ...reporter, sequence: 5 }])
    expect(file.lost(0, 1)).to.equal(3)
    file.pruneReporters(10)
    expect(file.reporters()).to.deep.equal([])
    expect(file.lost(0, 1)).to.equal(0)
  })

  it('forgets the oldest first, so many at a time', () => {
    using file = opened()
    file.add(batch({ halves: [...ports(0, 6_000), ...ports(0, 10, 10_000)] }))
    expect([1, 2, 3].map(() => file.pruneAged(10_000))).to.deep.equal([2_000, 2_000, 2_000])
    expect(file.pruneAged(10_000)).to.equal(0)
    expect(read(file)).to.have.length(10)
    expect(file.pruneCrowded()).to.equal(0)
  })

  it('forgets the oldest when there are more than may be kept', () => {
    using file = opened(2.3e6)
    file.add(batch({ halves: [...ports(0, 6_000), ...ports(0, 10, 10_000)] }))
    expect(file.pruneCrowded()).to.equal(0)
    file.add(batch({ halves: ports(6_000, 2_000) }))
    expect(file.pruneCrowded()).to.equal(2_000)
    expect(file.pruneCrowded()).to.equal(0)
    expect(read(file, { sinceMs: 10_000 })).to.have.length(10)
  })

  it('never grows beyond its bound: the oldest make room', async () => {
    {
      using file = opened(1e6)
      for (let bucket = 0; bucket < 10; bucket++)
        file.add(batch({ halves: ports(0, 1_000, bucket * 10_000) }))
      expect(read(file, { sinceMs: 90_000 })).to.have.length(1_000)
      expect(read(file, { untilMs: 10_000 })).to.have.length(0)
    }
    expect((await stat(path)).size).to.be.at.most(1.25e6)
  })

  it('keeps nothing of a batch for which there is no room at all', () => {
    using file = opened(1)
    const reporters = [{ workloadId: 'web', runId: 'run', sequence: 1, reportedAtMs: 0 }]
    expectError(
      () => file.add(batch({ halves: ports(0, 10_000), reporters })),
      StoreError,
      'ERR_STORE_FULL',
    )
    expect(file.reporters()).to.deep.equal([])
    file.add(batch({ halves: ports(0, 10), reporters }))
    expect(read(file)).to.have.length(10)
  })

  const spoilt: Readonly<Record<string, () => Promise<void>>> = {
    'is no database': () => writeFile(path, 'not a database, but long enough to be read as one\n'),
    'is of a later version': async () => {
      using file = opened()
      file.add(batch({ halves: ports(0, 1) }))
      file[Symbol.dispose]()
      using database = new DatabaseSync(path)
      database.exec('pragma user_version = 99')
    },
  }
  for (const [what, spoil] of Object.entries(spoilt)) {
    it(`sets a file aside that ${what}`, async () => {
      await spoil()
      const before = await readFile(path)
      const { database, setAside } = openFlowTables(path)
      using file = createFlowFile(database, 1e9)
      expect(setAside?.to).to.equal(`${path}.damaged`)
      expect(await readFile(`${path}.damaged`)).to.deep.equal(before)
      file.add(batch({ halves: ports(0, 1) }))
      expect(read(file)).to.have.length(1)
    })
  }

  it('tells a file that is damaged inside from a disk that refuses', async () => {
    {
      using file = opened()
      file.add(batch({ halves: ports(0, 5_000) }))
    }
    const handle = await open(path, 'r+')
    const { size } = await handle.stat()
    await handle.write(Buffer.alloc(size - 8_192, 0x55), 0, size - 8_192, 8_192)
    await handle.close()
    using database = new DatabaseSync(path)
    let thrown: unknown
    try {
      using file = createFlowFile(database, 1e9)
      file.add(batch({ halves: ports(0, 5_000) }))
    } catch (error: unknown) {
      thrown = error
    }
    expect(isUnusable(thrown), String(thrown)).to.equal(true)
  })

  it('is readable by nobody else', async () => {
    opened()[Symbol.dispose]()
    expect((await stat(path)).mode & 0o777).to.equal(0o600)
  })
})
