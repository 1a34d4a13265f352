import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from '../base/logger.ts'
import type { TrustProfile } from '../identity/trust-profile.ts'
import { captureStrengthKey, type CaptureStrength } from './capture-strength.ts'

/** Has the SVID say how strong the capture is. */
export interface StrengthWatch {
  /** What was seen last; weak until then. */
  readonly current: CaptureStrength['value']
  /** Looks, for a request that is going to say what was seen. */
  tell(): Promise<CaptureStrength['value']>
  /** Looks again and again, and asks for a renewal where what was told has changed. */
  run(renewSoon: (reason: string) => void, signal: AbortSignal): Promise<void>
}

const intervalMs = 5_000
/** Of the time, that a look may take: there may be thousands of threads to be read. */
const largestShare = 0.01
/** So often it has to be seen before it counts again: nobody is to renew with every process that comes and goes. */
const looksUntilStrong = 3

export function createStrengthWatch(options: {
  readonly read: () => Promise<CaptureStrength>
  /** What the present SVID holds. */
  readonly profile: () => TrustProfile | undefined
  readonly log: Logger
  readonly intervalMs?: number
}): StrengthWatch {
  const { read, profile, log } = options
  let current: CaptureStrength['value'] = 'weak'
  let told: CaptureStrength['value'] | undefined
  let because: string | undefined

  const look = async (): Promise<CaptureStrength['value']> => {
    const strength = await read()
    const reason = strength.value === 'weak' ? strength.because : ''
    if (reason !== because) log.info({ strength: strength.value, because: reason }, 'capture')
    because = reason
    current = strength.value
    return current
  }
  /** By the SVID, for an answer may be lost; one that holds nothing of it comes from rules that let none of it stand. */
  const toldLast = (): string =>
    profile()?.entries.get(captureStrengthKey)?.values[0] ?? told ?? 'weak'

  return {
    get current() {
      return current
    },
    tell: async () => {
      told = await look()
      return told
    },
    run: async (renewSoon, signal) => {
      let strongLooks = 0
      while (!signal.aborted) {
        const began = performance.now()
        const value = await look()
        const tookMs = performance.now() - began
        strongLooks = value === 'strong' ? strongLooks + 1 : 0
        const counts = value === 'weak' || strongLooks >= looksUntilStrong
        if (counts && value !== toldLast()) renewSoon(`${captureStrengthKey} is ${value}`)
        const pauseMs = Math.max(options.intervalMs ?? intervalMs, tookMs / largestShare)
        await delay(pauseMs, undefined, { signal }).catch(() => undefined)
      }
    },
  }
}
