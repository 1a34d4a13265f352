import { hash, type KeyObject } from 'node:crypto'
import { messageOf } from '../../base/errors.ts'
import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import { maxWorkloadTokenLength } from '../../identity/workload-token.ts'
import type { OwnIdentity } from '../own-identity.ts'

/** This workload's token, with the key that it is bound to. */
export interface OwnToken {
  readonly token: string
  readonly tokenHash: string
  readonly privateKey: KeyObject
}

/** Has the workload identity token of the present SVID. */
export interface TokenKeeper {
  /** Undefined where there is none, and the controller gives none. */
  current(): Promise<OwnToken | undefined>
  /** Gets it ahead of its first use, so that it is there while the controller is away. */
  prepare(): void
}

interface Kept extends OwnToken {
  readonly serial: string
  readonly generation: number
  readonly notAfter: number
}

/** After a failure, before the controller is asked again. */
const pauseMs = 1_000
const askMs = 5_000

/**
 * The token is good for as long as the certificate, so it is asked for once for each. Until the one for a
 * new certificate is there, that of the former serves, as long as it says what the workload still is.
 */
export function createTokenKeeper(parts: {
  readonly own: () => OwnIdentity | undefined
  /** Asks the controller, as the identity that is current. */
  readonly issue: (signal: AbortSignal) => Promise<{ token: string; expiresAtMs: number }>
  readonly clock: Pick<Clock, 'now' | 'monotonic'>
  readonly log: Logger
}): TokenKeeper {
  const { own, issue, clock, log } = parts
  let kept: Kept | undefined
  let asking: Promise<void> | undefined
  let notBefore = 0

  const ask = async (identity: OwnIdentity): Promise<void> => {
    try {
      const { token, expiresAtMs } = await issue(AbortSignal.timeout(askMs))
      // It is bound to the key of whoever asked, which may have been replaced meanwhile.
      if (own() !== identity) return
      if (token.length > maxWorkloadTokenLength) throw new Error('the token is too long')
      kept = {
        token,
        tokenHash: hash('sha256', token, 'base64url'),
        privateKey: identity.privateKey,
        serial: identity.serial,
        generation: identity.workload.generation,
        notAfter: expiresAtMs,
      }
    } catch (error: unknown) {
      notBefore = clock.monotonic() + pauseMs
      log.warn({ error: messageOf(error) }, 'no workload identity token')
    }
  }

  const askOnce = (identity: OwnIdentity): Promise<void> | undefined => {
    if (asking === undefined && clock.monotonic() >= notBefore) {
      asking = ask(identity).finally(() => {
        asking = undefined
      })
    }
    return asking
  }

  const usable = (identity: OwnIdentity): Kept | undefined => {
    const isGood = kept?.generation === identity.workload.generation && clock.now() < kept.notAfter
    return isGood ? kept : undefined
  }

  return {
    current: async () => {
      const identity = own()
      if (identity === undefined) return undefined
      const isAsked = kept?.serial === identity.serial ? undefined : askOnce(identity)
      if (usable(identity) === undefined) await isAsked
      const now = own()
      return now && usable(now)
    },
    prepare: () => {
      const identity = own()
      if (identity !== undefined && kept?.serial !== identity.serial) void askOnce(identity)
    },
  }
}
