import { expect } from 'chai'
import { mostDescriptors } from '../../bench/load/usage.ts'
import { keepResult } from '../support/long-results.ts'
import {
  connectPattern,
  startPatternServer,
  type PatternClient,
} from '../support/pattern-client.ts'
import { eventually } from '../support/poll.ts'
import { startProcessMesh, type ProcessMesh } from '../support/sidecar-process.ts'

const gigabytes = Number(process.env['STREAM_GIGABYTES'] ?? 10)
const idle = Number(process.env['IDLE_CONNECTIONS'] ?? 10_000)
const storm = Number(process.env['STORM_CONNECTIONS'] ?? 5_000)
const sleepers = 100
const megabyte = 1e6
/** What a sidecar may take in RAM, with all its windows grown and all its streams waiting. */
const mostResidentBytes = 600 * megabyte

function residents({ web, db }: ProcessMesh): Readonly<Record<string, number>> {
  const inMegabytes = (bytes: number): number => Math.round(bytes / megabyte)
  return {
    egressMegabytes: inMegabytes(web.residentBytes()),
    ingressMegabytes: inMegabytes(db.residentBytes()),
  }
}

function expectBounded({ web, db }: ProcessMesh): void {
  for (const sidecar of [web, db]) expect(sidecar.residentBytes()).to.be.lessThan(mostResidentBytes)
}

/** Opens so many, some at a time; each has got its first byte from the server. */
async function openMany(mesh: ProcessMesh, count: number, wanted = 1): Promise<PatternClient[]> {
  const open: PatternClient[] = []
  let started = 0
  const lane = async (): Promise<void> => {
    while (started++ < count) {
      const client = await connectPattern(mesh.entrance, wanted)
      await client.until(1)
      if (wanted > 1) client.socket.pause()
      open.push(client)
    }
  }
  await Promise.all(Array.from({ length: 64 }, lane))
  return open
}

/** Bytes that the egress has given to its clients so far. */
async function relayedBytes({ web }: ProcessMesh): Promise<number> {
  const page = await web.metrics()
  const line = /^blazon_relayed_bytes_total\{direction="egress",way="received"\} (\S+)$/m.exec(page)
  return Number(line?.[1] ?? 0)
}

describe('two sidecars in processes of their own', function () {
  this.timeout(1_800_000)

  let server: Awaited<ReturnType<typeof startPatternServer>>
  let mesh: ProcessMesh
  before(async () => {
    server = await startPatternServer()
    mesh = await startProcessMesh(server.address)
  })
  after(async () => {
    await mesh[Symbol.asyncDispose]()
    await server[Symbol.asyncDispose]()
  })

  const size = gigabytes * 1e9
  const streamName = `carry ${String(gigabytes)} GB each way on one connection, every byte compared`
  it(streamName, async () => {
    await keepResult(streamName, async () => {
      const startedAt = performance.now()
      const client = await connectPattern(mesh.entrance, size)
      expect(await client.finish(size)).to.equal(size)
      expect(client.received).to.equal(size)
      expectBounded(mesh)
      const seconds = (performance.now() - startedAt) / 1_000
      const megabytesPerSecond = Math.round((2 * size) / megabyte / seconds)
      return { gigabytes: 2 * gigabytes, megabytesPerSecond, ...residents(mesh) }
    })
  })

  const stormName = `serve ${String(storm)} clients that connect at once`
  it(stormName, async () => {
    await keepResult(stormName, async () => {
      const counts = await Promise.all(
        Array.from({ length: storm }, async () => {
          const client = await connectPattern(mesh.entrance, 1_000)
          return await client.finish(1_000)
        }),
      )
      expect(counts.filter((count) => count === 1_000)).to.have.lengthOf(storm)
      return { connections: storm, ...residents(mesh) }
    })
  })

  const sleepName = `keep little for ${String(sleepers)} readers that sleep, and serve the others`
  it(sleepName, async () => {
    await keepResult(sleepName, async () => {
      const open = await openMany(mesh, sleepers, size)
      let before = -1
      await eventually(
        'the streams to stall',
        async () => {
          await new Promise((resolve) => setTimeout(resolve, 2_500))
          const now = await relayedBytes(mesh)
          const isStill = now === before
          before = now
          return isStill
        },
        120_000,
      )
      expectBounded(mesh)
      const kept = residents(mesh)
      const client = await connectPattern(mesh.entrance, 1_000)
      expect(await client.finish(1_000)).to.equal(1_000)
      for (const { socket } of open) socket.destroy()
      return { connections: sleepers, ...kept }
    })
  })

  const idleName = `keep ${String(idle)} idle connections, each of which works afterwards`
  it(idleName, async function () {
    if (mostDescriptors() < idle + 1_000) this.skip()
    await keepResult(idleName, async () => {
      const open = await openMany(mesh, idle)
      const page = await mesh.db.metrics()
      expect(page).to.contain(`blazon_connections_open{direction="ingress"} ${String(idle)}\n`)
      const kept = residents(mesh)
      const counts = await Promise.all(open.map(async (client) => await client.finish(10)))
      expect(counts.filter((count) => count === 10)).to.have.lengthOf(idle)
      return { connections: idle, ...kept }
    })
  })
})
