import { createPublicKey, hash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { formatHostPort } from '../base/env.ts'
import { blazonProgram } from './blazon-program.ts'
import type { WorkloadName } from './cast.ts'
import { startMetadataService } from './metadata-service.ts'
import { demand } from './report.ts'
import type { RunningProcess } from './supervisor.ts'
import { trustDomain } from './trust-domain.ts'
import { until } from './waiting.ts'
import type { World } from './world.ts'

/** Somebody on another machine, with another node key, who shows a document that is not theirs. */
export interface Thief extends AsyncDisposable {
  /** SHA-256 of its node key, hex; it makes one when it starts. */
  nodeKey(): Promise<string>
  /** Waits for its try to be refused; throws if it was ever given a certificate. Resolves with what it lacks. */
  refused(): Promise<string>
  /** Starts once more, with the same node key: it tries at once, where it would wait by now. */
  tryAgain(): Promise<void>
}

/** The thief has a sidecar as anybody has, on a machine whose metadata service shows what was stolen. */
export async function startThief(
  world: World,
  victim: WorkloadName,
  document: string,
): Promise<Thief> {
  const { backstage, addresses } = world
  const { metadata, status } = addresses.thief
  await using stack = new AsyncDisposableStack()
  const content = new Map([['dynamic/instance-identity/rsa2048', document]])
  stack.use(await startMetadataService({ listen: metadata, content: () => content }))
  const state = join(await backstage.files.make('thief'), 'state')
  let sidecar = stack.use(await startSidecar(world, victim, state))
  let refusals = 0
  const owned = stack.move()
  return {
    nodeKey: () =>
      until('the node key of the thief', { ...backstage, withinMs: 20_000 }, async () =>
        keyHash(await readFile(join(state, 'node.key'))),
      ),
    refused: async () => {
      refusals = await until('a refusal', { ...backstage, withinMs: 20_000 }, async () => {
        const count = await countRefusals(sidecar.logFile)
        return count > refusals ? count : undefined
      })
      const answer = await fetch(`http://${formatHostPort(status)}/ready`, {
        signal: AbortSignal.timeout(5_000),
      })
      const missing = (await answer.text()).trim()
      demand(answer.status === 503, `it is ready: ${missing}`)
      return missing.replaceAll('\n', ', ')
    },
    tryAgain: async () => {
      await sidecar[Symbol.asyncDispose]()
      refusals = await countRefusals(sidecar.logFile)
      sidecar = owned.use(await startSidecar(world, victim, state))
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

function startSidecar(
  { backstage, addresses, controller }: World,
  victim: WorkloadName,
  state: string,
): Promise<RunningProcess> {
  return backstage.supervisor.start({
    name: 'sidecar-thief',
    command: process.execPath,
    args: [blazonProgram, 'sidecar'],
    environment: {
      HOME: backstage.files.path,
      BLAZON_TRUST_DOMAIN: trustDomain,
      BLAZON_CONTROLLER: formatHostPort(addresses.controller),
      BLAZON_BUNDLE: controller.bundleFile,
      BLAZON_EVIDENCE: 'aws-iid',
      BLAZON_IMDS_ENDPOINT: `http://${formatHostPort(addresses.thief.metadata)}`,
      BLAZON_WORKLOAD: victim,
      BLAZON_STATE_DIR: state,
      BLAZON_METRICS_LISTEN: formatHostPort(addresses.thief.status),
      BLAZON_DRAIN: '1s',
    },
    cwd: backstage.files.path,
  })
}

/** All that its log tells of; throws if it tells of a certificate. */
async function countRefusals(logFile: string): Promise<number> {
  const log = await readFile(logFile, 'utf8')
  demand(!log.includes('SVID received'), 'it was given a certificate')
  return log.split('PERMISSION_DENIED').length - 1
}

function keyHash(pem: Buffer): string {
  return hash('sha256', createPublicKey(pem).export({ type: 'spki', format: 'der' }))
}
