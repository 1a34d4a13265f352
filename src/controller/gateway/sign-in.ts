import type { Clock } from '../../base/clock.ts'
import {
  checkStillGood,
  endOf,
  whyNotGood,
  type AdministratorCaller,
  type Trust,
} from '../caller.ts'
import { ControllerError } from '../controller-error.ts'
import { createSecretTable, newSecret } from './secrets.ts'

/** A session that has just been opened: its cookie is shown once. */
export interface OpenedSession {
  readonly cookie: string
  readonly caller: AdministratorCaller
  readonly expiresAt: number
}

/** Signing in to the HTTP gateway: links that are good once, and the sessions that they open. */
export interface SignIn {
  /** A link for the browser of this administrator. */
  createLink(administrator: AdministratorCaller): {
    readonly url: string
    readonly expiresAt: number
  }
  /** Exchanges the secret of a link for a session; throws `ControllerError`. */
  redeem(secret: string, source: string): OpenedSession
  /** Opens a session for an administrator who showed a token. */
  open(administrator: AdministratorCaller): OpenedSession
  /** The caller of a session, for a call that comes from `source`; throws `ControllerError`. */
  find(cookie: string, source: string): AdministratorCaller
  /** Ends a session at once, and with it its streams. */
  end(cookie: string): void
}

export const linkMs: number = 5 * 60_000
const sessionMs = 8 * 3_600_000
const mostLinks = 1_000
const mostSessions = 10_000

interface Session {
  readonly caller: AdministratorCaller
  readonly state: { hasEnded: boolean }
}

export function createSignIn(deps: {
  readonly trust: Trust
  readonly clock: Clock
  /** Where browsers find the gateway. */
  readonly origin: () => string
}): SignIn {
  const { trust, clock } = deps
  const links = createSecretTable<{ administrator: AdministratorCaller; expiresAt: number }>(
    mostLinks,
  )
  const sessions = createSecretTable<Session>(mostSessions)

  const open = (administrator: AdministratorCaller): OpenedSession => {
    const { credential } = administrator
    if (credential.kind === 'session') {
      throw new ControllerError('ERR_PERMISSION', 'a session cannot open another one')
    }
    checkStillGood(administrator, trust)
    sessions.prune(({ caller, state }) => state.hasEnded || whyNotGood(caller, trust) !== undefined)
    const now = clock.now()
    const notAfter = Math.min(now + sessionMs, endOf(credential))
    const state = { hasEnded: false }
    const caller: AdministratorCaller = {
      ...administrator,
      credential: {
        kind: 'session',
        notAfter,
        openedWith: credential,
        hasEnded: () => state.hasEnded,
      },
    }
    const cookie = newSecret()
    const gone = sessions.put(cookie, { caller, state })
    // Nobody can sign it out any more, so its streams end with it.
    if (gone !== undefined) gone.state.hasEnded = true
    return { cookie, caller, expiresAt: notAfter }
  }

  return {
    createLink: (administrator) => {
      const now = clock.now()
      links.prune(({ expiresAt }) => expiresAt <= now)
      const secret = newSecret()
      const expiresAt = now + linkMs
      links.put(secret, { administrator, expiresAt })
      return { url: `${deps.origin()}/#sign-in=${secret}`, expiresAt }
    },
    redeem: (secret, source) => {
      const link = links.take(secret)
      if (link === undefined || link.expiresAt <= clock.now()) {
        throw new ControllerError(
          'ERR_UNAUTHENTICATED',
          'this sign-in link was used before, or is older than 5 minutes; ask for a new one',
        )
      }
      return open({ ...link.administrator, source })
    },
    open,
    find: (cookie, source) => {
      const session = sessions.get(cookie)
      if (session === undefined) throw signedOut()
      const caller = { ...session.caller, source }
      checkStillGood(caller, trust)
      return caller
    },
    end: (cookie) => {
      const session = sessions.take(cookie)
      if (session !== undefined) session.state.hasEnded = true
    },
  }
}

function signedOut(): ControllerError {
  return new ControllerError('ERR_UNAUTHENTICATED', 'you are not signed in')
}
