import { systemClock, type Clock } from '../../base/clock.ts'
import { messageOf } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import type { TrustDomain } from '../../identity/spiffe-id.ts'
import { fromWireBundle } from '../../identity/wire.ts'
import { bundleCodec, floorsCodec, snapshotCodec } from '../../rpc/index.ts'
import { createChange } from '../change.ts'
import type { Ground } from '../ground.ts'
import { createMeshState } from '../mesh-state.ts'
import { checkOwnIdentity, readPrivateKey, type OwnIdentity } from '../own-identity.ts'
import type { StoredIdentity } from '../stored-state.ts'
import { machineMs, type News } from './news.ts'

/** What a worker's data plane goes by: what it was told, read by the same checks as by who told it. */
export interface FollowedGround extends Ground {
  /** Throws `ERR_SNAPSHOT` for what cannot be in force where it comes from. */
  take(news: News): void
}

/** Two readings of one clock may differ by so much where they are rounded. */
const roundingMs = 1

export function createFollowedGround(options: {
  readonly trustDomain: TrustDomain
  readonly first: News
  readonly log: Logger
}): FollowedGround {
  let latest = options.first
  let offsetMs = latest.controllerOffsetMs
  const clock: Clock = {
    monotonic: () => systemClock.monotonic(),
    now: () => Math.max(systemClock.now(), Math.floor(machineMs() + offsetMs)),
  }
  const mesh = createMeshState({ trustDomain: options.trustDomain, clock })
  const identityChanged = createChange()
  let current: OwnIdentity | undefined

  const takeIdentity = (stored: StoredIdentity): void => {
    try {
      const { bundle, floors } = mesh
      if (bundle === undefined) throw new Error('expected a bundle before an identity')
      const privateKey = readPrivateKey(stored.privateKey)
      current = checkOwnIdentity({ ...stored, privateKey, bundle, floors, now: clock.now() })
      identityChanged.announce()
    } catch (error: unknown) {
      // Such as one that has expired while the controller is away: a new worker has no use for it.
      options.log.warn({ error: messageOf(error) }, 'SVID not usable in this worker')
    }
  }

  const take = (news: News): void => {
    latest = news
    if (Math.abs(news.controllerOffsetMs - offsetMs) > roundingMs) {
      offsetMs = news.controllerOffsetMs
    }
    if (news.floors !== undefined) mesh.applyFloors(floorsCodec.decode(news.floors))
    if (news.snapshot !== undefined) mesh.applySnapshot(snapshotCodec.decode(news.snapshot))
    if (news.bundle !== undefined) mesh.applyBundle(fromWireBundle(bundleCodec.decode(news.bundle)))
    if (news.identity !== undefined) takeIdentity(news.identity)
  }
  take(options.first)

  return {
    clock,
    contact: {
      get isConnected() {
        return latest.isConnected
      },
    },
    mesh,
    identity: {
      get current() {
        return current
      },
      changed: identityChanged,
    },
    standing: () => ({
      own: current,
      policy: mesh.policy,
      outside: mesh.outside,
      floors: mesh.floors,
      now: clock.now(),
      systemNow: systemClock.now(),
      deniesNew: latest.deniesNew,
      contactAgeMs: Math.max(clock.now() - latest.heardMs, machineMs() - latest.heardAtMs),
    }),
    // Only the process that has started this one talks to the controller.
    issueWorkloadToken: async () => {
      throw new Error('balancers that read requests need a sidecar of one process')
    },
    take,
  }
}
