import { connect, type Socket } from 'node:net'
import type { HostPort } from '../base/env.ts'
import { codeOf } from '../base/errors.ts'
import type { Reason } from '../policy/reason.ts'
import { connectForSharedReads } from './shared-read.ts'

export interface ConnectOptions {
  readonly timeoutMs: number
  readonly signal: AbortSignal
  /** `shared`: what is read has to be taken at once, by `takeReads`; only a tunnel's stream copies it. */
  readonly reads: 'shared' | 'own'
}

/**
 * Connects to the local application that the configuration names; resolves to a paused socket that
 * is open for half-close, or to the reason that the other side is told.
 */
export async function connectApplication(
  target: HostPort,
  { timeoutMs, signal, reads }: ConnectOptions,
): Promise<Socket | Reason> {
  return await new Promise((resolve) => {
    const options = { ...target, allowHalfOpen: true, noDelay: true, keepAlive: true }
    const socket = reads === 'shared' ? connectForSharedReads(options) : connect(options)
    socket.pause()
    const finish = (outcome: Socket | Reason): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', abort)
      if (typeof outcome === 'string') socket.destroy()
      resolve(outcome)
    }
    let isBegun = false
    const abort = (): void => {
      // The kernel may have connected already: then the application sees a reset, as its client was.
      if (isBegun) socket.resetAndDestroy()
      else socket.destroy()
      resolve('connection-reset')
    }
    socket.once('connectionAttempt', () => {
      isBegun = true
    })
    const timer = setTimeout(() => {
      finish('application-timeout')
    }, timeoutMs)
    signal.addEventListener('abort', abort, { once: true })
    const fail = (error: Error): void => {
      finish(reasonOfConnectError(error))
    }
    socket.once('connect', () => {
      // An error later on is the relay's to act on, but must always have a listener: one that keeps nothing alive.
      socket.on('error', ignore)
      socket.off('error', fail)
      finish(socket)
    })
    socket.on('error', fail)
  })
}

function ignore(): void {
  // Somebody else acts on it.
}

/** Why the application could not be connected. */
export function reasonOfConnectError(error: unknown): Reason {
  const code = codeOf(error)
  if (code === 'ECONNREFUSED') return 'application-refused'
  return code === 'ETIMEDOUT' ? 'application-timeout' : 'application-unreachable'
}
