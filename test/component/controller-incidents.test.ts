import { expect } from 'chai'
import { silentLogger } from '../../src/base/logger.ts'
import {
  incidentKinds,
  openIncidents,
  type Incidents,
  type Occurrence,
} from '../../src/controller/incidents.ts'
import { createControllerMetrics } from '../../src/controller/metrics.ts'
import { findIncident, loadIncidents } from '../../src/controller/store/incidents.ts'
import { openStore, type Store } from '../../src/controller/store/store.ts'
import { createFakeClock, type FakeClock } from '../support/fake-clock.ts'
import { readFile } from 'node:fs/promises'

describe('openIncidents()', () => {
  let store: Store
  let clock: FakeClock
  let incidents: Incidents
  const open = (): Promise<Incidents> =>
    openIncidents({
      store,
      clock,
      metrics: createControllerMetrics({ withProcess: false }),
      log: silentLogger,
    })
  beforeEach(async () => {
    store = await openStore(':memory:')
    clock = createFakeClock(1_000)
    incidents = await open()
  })
  afterEach(() => store[Symbol.asyncDispose]())

  const one = (value: string, subject = 'aws:1:r:i'): Occurrence => ({
    kind: 'document-replayed',
    subject,
    summary: 'a summary',
    details: [{ key: 'refused-node-key', value }],
  })
  const stored = () => loadIncidents(store.tables, { all: false, limit: 100 })

  it('counts what comes about again, and writes the count when it is flushed', async () => {
    await incidents.report(one('a'))
    clock.advance(5)
    await incidents.report(one('b'))
    await incidents.report(one('a'))
    expect((await stored()).map(({ times }) => times)).to.deep.equal([1])
    await incidents.flush()
    const [incident] = await stored()
    expect(incident).to.deep.include({ times: 3, openedAtMs: 1_000, lastSeenMs: 1_005 })
    expect(incident?.details.map(({ value }) => value)).to.deep.equal(['a', 'b'])
  })

  it('keeps subjects and kinds apart', async () => {
    await incidents.report(one('a'))
    await incidents.report(one('a', 'aws:1:r:j'))
    await incidents.report({ ...one('a'), kind: 'old-document' })
    expect(await stored()).to.have.length(3)
  })

  it('bounds the details of one incident', async () => {
    for (let count = 0; count < 100; count++) await incidents.report(one(String(count)))
    await incidents.flush()
    const [incident] = await stored()
    expect(incident?.times).to.equal(100)
    expect(incident?.details).to.have.length(32)
  })

  it('goes on counting after a restart', async () => {
    await incidents.report(one('a'))
    incidents = await open()
    await incidents.report(one('a'))
    await incidents.flush()
    expect((await stored()).map(({ times }) => times)).to.deep.equal([2])
  })

  it('knows nothing of an occurrence whose transaction failed', async () => {
    const failed = store.change(async (tables) => {
      await incidents.open(tables, one('a'))
      throw new Error('no')
    })
    await failed.catch(() => undefined)
    expect(await stored()).to.deep.equal([])
    await incidents.report(one('a'))
    expect((await stored()).map(({ times }) => times)).to.deep.equal([1])
  })

  it('opens another one after it was resolved', async () => {
    await incidents.report(one('a'))
    const [incident] = await stored()
    if (incident === undefined) throw new Error('no incident')
    const resolve = await store.change((tables) =>
      incidents.resolve(tables, incident, { author: 'ada', resolution: 'seen' }),
    )
    expect(resolve()).to.deep.include({ resolvedBy: 'ada', resolvedAtMs: 1_000 })
    expect(incidents.find(incident.incidentId)).to.equal(undefined)
    await incidents.report(one('a'))
    const all = await loadIncidents(store.tables, { all: true, limit: 100 })
    expect(all).to.have.length(2)
    expect(await findIncident(store.tables, incident.incidentId)).to.deep.include({
      resolution: 'seen',
      times: 1,
    })
  })

  it('has a description of each kind in docs/operations.md', async () => {
    const text = await readFile(new URL('../../docs/operations.md', import.meta.url), 'utf8')
    for (const kind of incidentKinds) expect(text, kind).to.contain(`| \`${kind}\` |`)
  })
})
