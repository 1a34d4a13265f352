import { setTimeout as delay } from 'node:timers/promises'
import { status } from '@grpc/grpc-js'
import { createBackoff, type Backoff } from '../base/backoff.ts'
import { codeOf, messageOf } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import { captureStrengthKey } from './capture-strength.ts'
import { createChange, type Change } from './change.ts'
import type { ControllerLink } from './controller-link.ts'
import { enrol, newRequest, renew, type Applicant, type Issue } from './enrolment.ts'
import type { EvidenceSource } from './evidence-source.ts'
import { isRefusal, statusOf } from './grpc-call.ts'
import { reported } from './local-attributes.ts'
import type { MeshState } from './mesh-state.ts'
import type { Metrics } from './metrics.ts'
import {
  checkOwnIdentity,
  readPrivateKey,
  storeIdentity,
  type OwnIdentity,
} from './own-identity.ts'
import type { StateKeeper } from './state-keeper.ts'
import type { StoredState } from './stored-state.ts'
import type { TrustedClock } from './trusted-clock.ts'

/** Keeps the workload's SVID fresh: enrols when there is none, renews at half-life. */
export interface IdentityKeeper {
  /** The last good SVID; it may have expired meanwhile (`isValid` says). */
  readonly current: OwnIdentity | undefined
  readonly changed: Change
  /** Whether the present SVID is neither expired nor below its floor. */
  isValid(): boolean
  /** Renews at once: the profile has changed, as the controller says or as is seen here. */
  renewSoon(reason: string): void
  /** The controller does not accept the present SVID: it is of no use any more, so a new one is enrolled for. */
  refused(): void
  run(signal: AbortSignal): Promise<void>
}

export interface IdentityKeeperOptions {
  readonly applicant: Applicant
  readonly evidence: EvidenceSource
  /** Looks at how the workload's connections are captured. */
  readonly captureStrength: () => Promise<string>
  readonly link: ControllerLink
  readonly mesh: MeshState
  readonly keeper: StateKeeper
  readonly clock: TrustedClock
  readonly metrics: Metrics
  readonly log: Logger
  readonly random?: () => number
}

/** An SVID that has served for so long was not refused from the start. */
const lastingMs = 5 * 60_000

export function createIdentityKeeper(options: IdentityKeeperOptions): IdentityKeeper {
  const { link, mesh, clock, log, metrics } = options
  const changed = createChange()
  let current = restore(options)
  let isRenewalDue = false
  let isRefused = false
  let refusalPauseMs = 0
  // A controller that issues what it then does not accept is not to be asked again and again.
  const refusals = createBackoff({ firstMs: 250, longestMs: 60_000 })
  let wake = new AbortController()
  link.replaceIdentity(current)

  const now = (): number => clock.now()
  const isValid = (): boolean =>
    current !== undefined &&
    !isRefused &&
    clock.now() < current.notAfter &&
    current.workload.generation >= mesh.floors.lowestGood(current.workload.workloadId)

  const wakeUp = (): void => {
    wake.abort()
    wake = new AbortController()
  }

  const take = async (issue: Issue): Promise<void> => {
    clock.observe(issue.controllerTimeMs)
    const change: Partial<StoredState> = {
      ...mesh.applyBundle(issue.bundle),
      ...(issue.wireFloors === null ? {} : mesh.applyFloors(issue.wireFloors)),
      identity: storeIdentity(issue.identity),
      pending: undefined,
      highestTimeMs: clock.now(),
    }
    await saveOrLog(options, change)
    current = issue.identity
    isRenewalDue = false
    isRefused = false
    for (const { key, reason } of issue.dropped) {
      log.warn({ attribute: key, reason }, 'attribute dropped by the controller')
    }
    log.info(describe(issue.identity), 'SVID received')
    link.replaceIdentity(current)
    changed.announce()
  }

  const renewOnce = async (identity: OwnIdentity, signal: AbortSignal): Promise<void> => {
    const connection = link.meshConnection()
    if (connection === undefined) throw new Error('BUG: an identity without a connection')
    const pending = options.keeper.state.pending ?? (await newRequest())
    const applicant = await describeSelf(options, identity, signal)
    // Before it is sent: if the answer is lost, only the same CSR gets the same certificate again.
    await saveOrLog(options, { pending })
    try {
      const { serial } = identity
      await take(await renew({ applicant, connection, serial, pending, now, signal }))
    } catch (error: unknown) {
      if (isKeyRefused(error)) await saveOrLog(options, { pending: undefined })
      if (!isRefusal(error)) link.giveUp(connection)
      throw error
    }
  }

  const enrolOnce = async (signal: AbortSignal): Promise<void> => {
    const evidence = await options.evidence.prepare(signal)
    const applicant = await describeSelf(options, current, signal)
    const connection = await link.enrolmentConnection(signal)
    try {
      await take(await enrol({ applicant, connection, evidence, now, signal }))
    } catch (error: unknown) {
      if (!isRefusal(error)) link.giveUp(connection)
      throw error
    } finally {
      connection.close()
    }
  }

  const attempt = async (signal: AbortSignal, backoff: Backoff): Promise<number> => {
    const identity = isValid() ? current : undefined
    try {
      await (identity === undefined ? enrolOnce(signal) : renewOnce(identity, signal))
      metrics.renewal('ok')
      backoff.reset()
      return 0
    } catch (error: unknown) {
      if (signal.aborted) return 0
      metrics.renewal('failed')
      const what = identity === undefined ? 'enrolment failed' : 'renewal failed'
      log.warn({ code: codeOf(error) ?? statusOf(error), error: messageOf(error) }, what)
      return Math.min(backoff.next(), retryCeilingMs(identity, clock.now()))
    }
  }

  const run = async (signal: AbortSignal): Promise<void> => {
    const backoff = createBackoff({ firstMs: 250, longestMs: 30_000 })
    const unsubscribe = mesh.changed.subscribe(() => {
      // A floor may have risen above our own generation.
      if (current !== undefined && !isValid()) wakeUp()
    })
    let renewAt = renewalTime(current, options.random)
    let pauseMs = 0
    while (!signal.aborted) {
      const due = isRenewalDue || !isValid() || clock.now() >= renewAt
      const waitMs = Math.max(pauseMs, due ? 0 : renewAt - clock.now())
      if (waitMs > 0) {
        const interrupted = AbortSignal.any([signal, wake.signal])
        // Timers are short steps: the clock may be stepped while we wait.
        await delay(Math.min(waitMs, 60_000), undefined, { signal: interrupted }).catch(
          () => undefined,
        )
        pauseMs = refusalPauseMs
        refusalPauseMs = 0
        continue
      }
      const before = current
      pauseMs = await attempt(signal, backoff)
      if (current !== before) renewAt = renewalTime(current, options.random)
    }
    unsubscribe()
  }

  return {
    get current() {
      return current
    },
    changed,
    isValid,
    renewSoon: (reason) => {
      log.info({ reason }, 'renewal asked for')
      isRenewalDue = true
      wakeUp()
    },
    refused: () => {
      if (isRefused || current === undefined) return
      isRefused = true
      if (clock.now() - current.obtainedMs > lastingMs) refusals.reset()
      refusalPauseMs = refusals.next()
      log.warn({ serial: current.serial }, 'SVID not accepted by the controller: enrolling anew')
      wakeUp()
    },
    run,
  }
}

/** Half-life, give or take a tenth, so that a fleet that started together does not renew together. */
export function renewalTime(
  identity: Pick<OwnIdentity, 'obtainedMs' | 'notAfter'> | undefined,
  random: () => number = Math.random,
): number {
  if (identity === undefined) return 0
  const lifeMs = identity.notAfter - identity.obtainedMs
  return identity.obtainedMs + lifeMs * (0.45 + 0.1 * random())
}

/** No pause may eat up what is left of an SVID's life: at least eight tries fit into it. */
function retryCeilingMs(identity: OwnIdentity | undefined, now: number): number {
  return identity === undefined ? Infinity : Math.max(100, (identity.notAfter - now) / 8)
}

/** The identity of an earlier run, if it still holds. */
function restore({ keeper, mesh, clock, log }: IdentityKeeperOptions): OwnIdentity | undefined {
  const stored = keeper.state.identity
  const { bundle, floors } = mesh
  if (stored === undefined || bundle === undefined) return undefined
  try {
    const privateKey = readPrivateKey(stored.privateKey)
    const identity = checkOwnIdentity({ ...stored, privateKey, bundle, floors, now: clock.now() })
    log.info(describe(identity), 'SVID of an earlier run in use')
    return identity
  } catch (error: unknown) {
    log.warn({ error: messageOf(error) }, 'SVID of an earlier run not usable')
    return undefined
  }
}

/** The request itself is no good any more, so the next one needs another key. */
function isKeyRefused(error: unknown): boolean {
  const code = statusOf(error)
  return code === status.INVALID_ARGUMENT || code === status.ALREADY_EXISTS
}

/** The applicant with what the source of its evidence says of it now. */
async function describeSelf(
  { applicant, evidence, captureStrength }: IdentityKeeperOptions,
  present: OwnIdentity | undefined,
  signal: AbortSignal,
): Promise<Applicant> {
  const observed = await evidence.observed(present, signal)
  const strength = reported({ key: captureStrengthKey, value: await captureStrength() })
  return { ...applicant, attributes: [...applicant.attributes, ...strength, ...observed] }
}

async function saveOrLog(
  { keeper, log }: IdentityKeeperOptions,
  change: Partial<StoredState>,
): Promise<void> {
  try {
    await keeper.save(change)
  } catch (error: unknown) {
    log.error({ error: messageOf(error) }, 'state not saved')
  }
}

function describe(identity: OwnIdentity): Readonly<Record<string, unknown>> {
  return {
    spiffe_id: identity.spiffeId,
    workload: identity.workload.workloadId,
    generation: identity.workload.generation,
    serial: identity.serial,
    not_after: new Date(identity.notAfter).toISOString(),
  }
}
