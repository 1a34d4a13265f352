import { setTimeout as delay } from 'node:timers/promises'
import { messageOf } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import type { FlowRecorder } from '../flow-recorder.ts'
import type { Ground } from '../ground.ts'
import { rememberAllowedDatagrams } from './allowed-datagrams.ts'
import { createDatagramFlows } from './datagram-flows.ts'
import { openGateLink, type GateLink } from './gate-link.ts'

/** Well within the time for which a table holds. */
const renewMs = 5_000
const retryMs = 1_000

/**
 * Keeps the gate told of where datagrams may go: at once when policy, floors or the identity change, when a
 * verdict ends, and again and again, because a table holds for a short while. Without a gate they are
 * refused, and the log says so where policy would allow some. Resolves when `signal` is aborted.
 */
export async function keepDatagrams(
  options: {
    readonly ground: Pick<Ground, 'standing' | 'mesh' | 'identity'>
    readonly recorder: Pick<FlowRecorder, 'add'>
    readonly log: Logger
    readonly openLink?: typeof openGateLink
  },
  signal: AbortSignal,
): Promise<void> {
  const { ground, recorder, log, openLink = openGateLink } = options
  const flows = createDatagramFlows()
  const allowedDatagrams = rememberAllowedDatagrams()
  let wake = new AbortController()
  const nudge = (): void => {
    wake.abort()
  }
  let link: GateLink | undefined
  let said = ''
  const say = (state: string, because = ''): void => {
    if (`${state} ${because}` === said) return
    said = `${state} ${because}`
    if (because === '') log.info({ state }, 'datagrams')
    else log.warn({ state, because }, 'datagrams')
  }

  /** Brings what is in force to what is allowed; returns when to do so again, in ms. */
  const settle = async (): Promise<number | undefined> => {
    const { table, deadline, isTooMuch } = allowedDatagrams(ground.standing())
    const untilMs = deadline === undefined ? Infinity : deadline - ground.standing().now
    const isWanted = table.length > 0
    if (isTooMuch) say('refused', 'policy allows more places than a table holds')
    else if (!isWanted) say('none allowed')
    if (!isWanted && link === undefined) return untilMs === Infinity ? undefined : untilMs
    try {
      link ??= await openLink(nudge, signal)
      const seen = await link.exchange(table)
      recorder.add(flows.since(seen, ground.standing()), 0)
      if (isWanted) {
        say('let out where policy allows it')
        return Math.min(renewMs, untilMs)
      }
      link[Symbol.dispose]()
      link = undefined
      return untilMs === Infinity ? undefined : untilMs
    } catch (error: unknown) {
      link?.[Symbol.dispose]()
      link = undefined
      if (signal.aborted) return undefined
      say(
        'refused',
        `policy allows some, but blazon intercept --datagrams is not there: ${messageOf(error)}`,
      )
      // Whatever changes meanwhile: nothing is in force.
      await pause(retryMs, signal)
      return 0
    }
  }

  const unsubscribe = [ground.mesh, ground.identity].map(({ changed }) => changed.subscribe(nudge))
  try {
    while (!signal.aborted) {
      // Made anew before anything is read, so that no change is missed meanwhile.
      wake = new AbortController()
      const waitMs = await settle()
      await pause(waitMs, AbortSignal.any([signal, wake.signal]))
    }
  } finally {
    for (const end of unsubscribe) end()
    // With the connection the gate forgets all.
    link?.[Symbol.dispose]()
  }
}

const longestTimerMs = 60_000

/** A clock may be set: what is due long from now is looked at again before. */
async function pause(ms: number | undefined, signal: AbortSignal): Promise<void> {
  const bounded = Math.max(0, Math.min(ms ?? longestTimerMs, longestTimerMs))
  await delay(bounded, undefined, { signal, ref: false }).catch(() => undefined)
}
