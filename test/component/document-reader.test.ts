import { monitorEventLoopDelay } from 'node:perf_hooks'
import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { silentLogger } from '../../src/base/logger.ts'
import { ControllerError } from '../../src/controller/controller-error.ts'
import {
  createDocumentReader,
  defaultReadLimits,
  type DocumentReader,
  type ReadLimits,
} from '../../src/controller/documents/document-reader.ts'
import { documentLimits } from '../../src/policy/limits.ts'
import { parseDocuments, PolicyError } from '../../src/policy/index.ts'
import { eventually } from '../support/expect-status.ts'
import { bestOf } from '../support/best-of.ts'
import { expectRejection } from '../support/expect-error.ts'
import { startTestController, testRule } from '../support/test-controller.ts'
import { watchWith } from '../support/watch-reader.ts'

const always: ReadLimits = { ...defaultReadLimits, inPlace: -1 }

const samples = ['network', 'enrolment']
  .map((name) => readFileSync(new URL(`../../demo/policies/${name}.yaml`, import.meta.url), 'utf8'))
  .join('---\n')

const question = (text: string) => ({ text, source: 'f.yaml', tagsTrusted: false })

/** Documents of so many bytes: the largest file there may be takes seconds to read. */
function fileOf(bytes: number): string {
  const parts: string[] = []
  for (let length = 0, n = 0; ; n++) {
    const part = `---
kind: NetworkPolicy
name: p-${String(n)}
spec:
  from: { label.app: [web-${String(n)}, api], label.env: production }
  to: { label.app: orders-db-${String(n)}, label.tier: [front, back, data] }
  ports: [tcp/5432, tcp/5433]
  action: allow
  when: "num(from, 'vuln.critical') < 5 && same('aws.region')"
# ${'a comment '.repeat(20)}
`
    length += part.length
    if (length > bytes) return parts.join('')
    parts.push(part)
  }
}

describe('createDocumentReader()', function () {
  this.timeout(60_000)

  const guardrail = `---
kind: Guardrail
name: g
spec: { when: "!same('aws.region')", encryption: required, maxStale: 2m, expires: 2027-01-31T00:00:00Z }
---
kind: Observe
name: o
spec: { scope: {}, expires: 2027-01-31T00:00:00Z }
---
kind: LabelAssignment
name: l
spec: { select: { label.app: [web, api] }, labels: { label.tier: [a, b] } }
`

  it('reads in its thread what is read in place', async () => {
    await using reader = createDocumentReader(silentLogger, always)
    const read = await reader.read(question(samples + guardrail))
    expect(read.map(({ document }) => document)).to.deep.equal(parseDocuments(samples + guardrail))
    await using inPlace = createDocumentReader(silentLogger)
    expect(await inPlace.read(question(guardrail))).to.deep.equal(
      await reader.read(question(guardrail)),
    )
  })

  it('says everything that is wrong with a file, as in place', async () => {
    await using reader = createDocumentReader(silentLogger, always)
    const text = guardrail.replace('2m', '2s').replace('scope', 'scop')
    const thrown = await reader.read(question(text)).catch((error: unknown) => error)
    if (!(thrown instanceof PolicyError)) throw new Error('expected a PolicyError')
    let expected: unknown
    try {
      parseDocuments(text, 'f.yaml')
    } catch (error: unknown) {
      expected = error
    }
    expect(thrown.problems).to.have.length.greaterThan(1)
    expect(thrown.problems).to.deep.equal((expected as PolicyError).problems)
    expect(thrown.message).to.equal((expected as PolicyError).message)
  })

  const refuses = async (reader: DocumentReader, text: string, says: RegExp): Promise<void> => {
    const thrown = await reader.read(question(text)).catch((error: unknown) => error)
    expect(thrown).to.be.instanceOf(ControllerError)
    expect(thrown).to.have.property('code', 'ERR_LIMIT')
    expect(thrown).to.have.property('message').that.matches(says)
  }

  it('gives up on a file that takes too long, and reads the next one', async () => {
    await using reader = createDocumentReader(silentLogger, { ...always, timeMs: 1_000 })
    await refuses(reader, fileOf(documentLimits.textBytes), /took longer than 1 s/)
    await eventually(async () => {
      expect(await reader.read(question(guardrail))).to.have.length(3)
    })
  })

  it('outlives a thread that runs out of memory', async () => {
    const memory = { maxOldGenerationSizeMb: 24, maxYoungGenerationSizeMb: 4 }
    await using reader = createDocumentReader(silentLogger, { ...always, memory })
    await refuses(reader, fileOf(documentLimits.textBytes), /too much memory/)
    expect(await reader.read(question(guardrail))).to.have.length(3)
  })

  it('lets only so many files wait', async () => {
    await using reader = createDocumentReader(silentLogger, { ...always, files: 2 })
    const two = [1, 2].map(() => reader.read(question(guardrail)))
    await expectRejection(reader.read(question(guardrail)), ControllerError, 'ERR_LIMIT')
    expect((await Promise.all(two)).flat()).to.have.length(6)
    expect(await reader.read(question(guardrail))).to.have.length(3)
  })

  it('refuses what is being read when it is disposed of', async () => {
    const reader = createDocumentReader(silentLogger, always)
    await reader.read(question(guardrail))
    const refused = [
      refuses(reader, fileOf(documentLimits.textBytes), /the thread ended/),
      expectRejection(reader.read(question(guardrail)), ControllerError, 'ERR_UNAVAILABLE'),
    ]
    // The first one is at the thread by then.
    await new Promise(setImmediate)
    await reader[Symbol.asyncDispose]()
    await Promise.all(refused)
  })
})

describe('controller: an apply of 4 MiB', function () {
  this.timeout(120_000)

  /** The longest stall of the event loop, as a share of the time that all of it took. */
  async function stallOfApply(): Promise<number> {
    await using mesh = await startTestController({ config: { timings: { heartbeatMs: 100 } } })
    await mesh.apply(testRule)
    const token = await mesh.token()
    const web = await mesh.enrol('web')
    const admin = await mesh.admin()
    using watch = watchWith(mesh.connect(web))
    await watch.next('snapshot')
    const text = fileOf(documentLimits.textBytes)
    const delay = monitorEventLoopDelay({ resolution: 5 })
    delay.enable()
    const before = watch.waiting('heartbeat')
    const startedAt = performance.now()
    let isDone = false
    const applied = admin.call('Apply', { text }).then((answer) => {
      isDone = true
      return answer
    })
    await mesh.enrol('db', { token })
    expect(isDone, 'the apply was faster than an enrolment').to.equal(false)
    const { documents } = await applied
    const tookMs = performance.now() - startedAt
    delay.disable()
    expect(documents.length).to.be.greaterThan(5_000)
    expect(watch.waiting('heartbeat') - before).to.be.greaterThan(5)
    const created = documents.filter(({ action }) => action === 'CREATED')
    expect(created).to.have.length(documents.length)
    const inForce = await admin.call('ListDocuments', { kind: 'NetworkPolicy', name: 'p-5000' })
    expect(inForce.documents.map(({ document }) => document?.revision)).to.deep.equal([
      documents[0]?.revision,
    ])
    return delay.max / 1e6 / tookMs
  }

  it('leaves time for heartbeats and enrolments, and is in force whole', async () => {
    // No step of it holds the loop; compiling it all at once took a sixth of the time. The file's
    // way through the client of this process is in it as well.
    const limit = 1 / 20
    expect(await bestOf(3, limit, stallOfApply), 'longest stall').to.be.lessThan(limit)
  })
})
