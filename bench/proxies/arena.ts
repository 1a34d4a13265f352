import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  startControllerUnderTest,
  type ControllerUnderTest,
} from '../load/controller-under-test.ts'
import { compileTraffic, type Traffic } from '../load/traffic.ts'
import { blazon } from './blazon.ts'
import { createPeerCertificates } from './certificates.ts'
import { freePorts, type Contender, type ProxyPair } from './pair.ts'
import { peers, type PeerOptions } from './peers.ts'
import { ensureBenchPrograms } from './programs.ts'

/** Everything that a comparison of proxies needs: contenders, backend, load generator, controller. */
export interface Arena extends AsyncDisposable {
  readonly traffic: Traffic
  /** Of nobody's but the load generator. */
  readonly backend: number
  readonly controller: ControllerUnderTest
  readonly ours: Contender
  /** What other proxies are made with. */
  readonly peering: PeerOptions
  /** The other proxies. */
  readonly peers: readonly Contender[]
  /** Starts a pair in a directory of its own. A contender that is started again finds its state there. */
  start(contender: Contender): Promise<ProxyPair>
}

export async function openArena(): Promise<Arena> {
  await using opened = new AsyncDisposableStack()
  const programs = ensureBenchPrograms()
  const directory = mkdtempSync(join(tmpdir(), 'blazon-proxies-'))
  opened.defer(() => rmSync(directory, { recursive: true, force: true }))
  const peering = { certificates: createPeerCertificates(directory, programs.openssl), programs }
  const traffic = await compileTraffic(directory, programs.gcc)
  const backends = opened.use(new AsyncDisposableStack())
  const newBackend = async (): Promise<number> => {
    const [port = 0] = await freePorts(1)
    backends.defer(startBackend(traffic.path, port))
    return port
  }
  const backend = await newBackend()
  const controller = opened.use(await startControllerUnderTest())
  const places = new Map<Contender, Place>()
  const parts = opened.move()
  return {
    traffic,
    backend,
    controller,
    ours: blazon(controller),
    peering,
    peers: peers(peering),
    start: async (contender) => {
      let place = places.get(contender)
      if (place === undefined) {
        place = { directory: join(directory, String(places.size)), backend: await newBackend() }
        places.set(contender, place)
        mkdirSync(place.directory)
      }
      return contender.start(place)
    },
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  }
}

/**
 * What a contender has to itself, also over several starts. Its own backend, because the kernel looks
 * through all ports for a connection to one that another has just used them up for: straight to the
 * backend that takes half a second, and who came after it would pay.
 */
interface Place {
  readonly directory: string
  readonly backend: number
}

/** Returns what stops it. */
function startBackend(program: string, port: number): () => Promise<void> {
  const child = spawn(program, ['serve', String(port)], { stdio: ['ignore', 'ignore', 'inherit'] })
  return async () => {
    if (child.exitCode !== null) return
    const exited = once(child, 'exit')
    child.kill()
    await exited
  }
}
