import type { Clock } from '../base/clock.ts'
import { messageOf } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import { bundleCodec, floorsCodec, snapshotCodec } from '../rpc/index.ts'
import { fromWireBundle } from '../identity/wire.ts'
import { readCaptureStrength } from './capture-strength.ts'
import type { SidecarConfig } from './config.ts'
import { createControllerContact, type ControllerContact } from './controller-contact.ts'
import { createControllerLink, type ControllerLink } from './controller-link.ts'
import { createEvidenceSource } from './evidence.ts'
import type { Ground } from './ground.ts'
import { createIdentityKeeper, type IdentityKeeper } from './identity-keeper.ts'
import type { InstanceMetadata } from './instance-metadata.ts'
import type { Standing } from './judgement.ts'
import { localAttributes } from './local-attributes.ts'
import { createStrengthWatch, type StrengthWatch } from './strength-watch.ts'
import { createMeshState, type MeshState } from './mesh-state.ts'
import type { Metrics } from './metrics.ts'
import { loadNodeKey } from './node-key.ts'
import { openStateDirectory } from './state-directory.ts'
import { openStateKeeper, type StateKeeper } from './state-keeper.ts'
import { lockStateDirectory } from './state-lock.ts'
import { createTrustedClock, type TrustedClock } from './trusted-clock.ts'

/** What this sidecar is and knows: identity, policy, floors, bundle, time; and the way to get more. */
export interface ControlPlane extends Ground {
  readonly clock: TrustedClock
  readonly contact: ControllerContact
  readonly keeper: StateKeeper
  readonly mesh: MeshState
  readonly link: ControllerLink
  readonly identity: IdentityKeeper
  readonly strength: StrengthWatch
  /** Closes the way to the controllers and lets go of the state directory. */
  close(): void
}

/** Loads what an earlier run has left, so that a restarted sidecar works before its controller answers. */
export async function openControlPlane(options: {
  readonly config: SidecarConfig
  readonly metadata: InstanceMetadata | undefined
  readonly systemClock: Clock
  readonly metrics: Metrics
  readonly log: Logger
}): Promise<ControlPlane> {
  const { config, systemClock, metrics, log } = options
  const { trustDomain, workload } = config
  using opened = new DisposableStack()
  const directory = await openStateDirectory(config.stateDirectory)
  opened.use(await lockStateDirectory(config.stateDirectory, directory))
  const nodeKey = await loadNodeKey(directory)
  const keeper = await openStateKeeper({ directory, nodeKey, trustDomain, workload, log })
  const clock = createTrustedClock(systemClock, keeper.state.highestTimeMs)
  const contact = createControllerContact(clock, keeper.state.highestTimeMs)
  const { highestVersion } = keeper.state
  const mesh = createMeshState({ trustDomain, clock, highestVersion })
  restoreMesh(mesh, keeper, log)
  const link = createControllerLink({ ...config, clock, bundle: () => mesh.bundle })
  const attributes = localAttributes(config.attributes)
  const applicant = { trustDomain, workload, nodeKey, attributes }
  const evidence = createEvidenceSource({
    choice: config.evidence,
    metadata: options.metadata,
    log,
  })
  const strength = createStrengthWatch({
    read: async () => await readCaptureStrength(config.capture),
    profile: () => identity.current?.profile,
    log,
  })
  const identity = createIdentityKeeper({
    applicant,
    evidence,
    captureStrength: async () => await strength.tell(),
    link,
    mesh,
    keeper,
    clock,
    metrics,
    log,
  })
  const standing = (): Standing => ({
    own: identity.current,
    policy: mesh.policy,
    floors: mesh.floors,
    now: clock.now(),
    systemNow: systemClock.now(),
    deniesNew: mesh.deniesNew,
    outside: mesh.outside,
    contactAgeMs: contact.ageMs(),
  })
  opened.defer(() => {
    link.close()
  })
  const held = opened.move()
  const close = (): void => {
    held.dispose()
  }
  const issueWorkloadToken: Ground['issueWorkloadToken'] = async (signal) => {
    const connection = link.meshConnection()
    if (connection === undefined) throw new Error('no SVID to ask with')
    return await connection.issueWorkloadToken(signal)
  }
  return {
    ...{ clock, contact, keeper, mesh, link, identity, strength },
    ...{ standing, issueWorkloadToken, close },
  }
}

/** Applies the stored floors, bundle and snapshot by the same checks as if they came from the controller. */
function restoreMesh(mesh: MeshState, { state }: StateKeeper, log: Logger): void {
  const restore = (
    what: string,
    stored: Buffer | undefined,
    apply: (bytes: Buffer) => void,
  ): void => {
    if (stored === undefined) return
    try {
      apply(stored)
    } catch (error: unknown) {
      log.error({ what, error: messageOf(error) }, 'stored state not usable')
    }
  }
  restore('floors', state.floors, (bytes) => mesh.applyFloors(floorsCodec.decode(bytes)))
  restore('snapshot', state.snapshot, (bytes) => mesh.applySnapshot(snapshotCodec.decode(bytes)))
  restore('bundle', state.bundle, (bytes) =>
    mesh.applyBundle(fromWireBundle(bundleCodec.decode(bytes))),
  )
  if (mesh.policy !== undefined) {
    log.info({ version: mesh.version }, 'policy version of an earlier run in use')
  }
}
