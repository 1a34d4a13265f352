import type { Socket } from 'node:net'
import { createHandshakeSlots } from '../../tunnel/handshake-slots.ts'
import {
  isSameProof,
  proofsOf,
  readPreamble,
  type ClearConnection,
  type ClearProofs,
  type ProvenTunnel,
} from './clear-proof.ts'
import { readPreambleFrom } from './preamble-socket.ts'
import { resetSocket } from '../socket-ending.ts'

/** What the accepting end waits for: connections in clear that were agreed on in a tunnel. */
export interface ClearOffers {
  /** Whether some connection is waited for, so that arrivals have to be looked at. */
  readonly isExpecting: boolean
  /**
   * Waits for the connection that belongs to a stream; resolves to its socket, answered and paused, or
   * to undefined where it does not come in time or `signal` aborts.
   */
  expect(
    tunnel: ProvenTunnel,
    connection: ClearConnection,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<Socket | undefined>
  /**
   * Whether an arrival is such a connection, which is then taken, or reset where its proof is wrong.
   * Rejects with `TunnelError` where too many are being looked at.
   */
  take(socket: Socket, timeoutMs: number): Promise<boolean>
}

interface Offer {
  readonly proofs: ClearProofs
  readonly settle: (socket: Socket | undefined) => void
}

const mostLookedAt = 256

export function createClearOffers(): ClearOffers {
  const offers = new Map<string, Offer>()
  const slots = createHandshakeSlots(mostLookedAt, mostLookedAt / 4)

  const match = (socket: Socket, bytes: Buffer): void => {
    const { key, proof } = readPreamble(bytes)
    const offer = offers.get(key)
    // A wrong proof takes nothing from who has the right one.
    if (offer === undefined || !isSameProof(offer.proofs.ofDialler, proof)) {
      resetSocket(socket)
      return
    }
    offers.delete(key)
    socket.pause()
    socket.write(offer.proofs.ofAcceptor)
    offer.settle(socket)
  }

  return {
    get isExpecting() {
      return offers.size > 0
    },
    expect: async (tunnel, connection, timeoutMs, signal) => {
      const proofs = proofsOf(tunnel, connection)
      if (proofs === undefined) return undefined
      const { key } = proofs
      const { promise, resolve } = Promise.withResolvers<Socket | undefined>()
      const giveUp = (): void => {
        if (offers.delete(key)) resolve(undefined)
      }
      offers.set(key, { proofs, settle: resolve })
      const timer = setTimeout(giveUp, timeoutMs)
      signal.addEventListener('abort', giveUp, { once: true })
      const socket = await promise
      clearTimeout(timer)
      signal.removeEventListener('abort', giveUp)
      return socket
    },
    take: async (socket, timeoutMs) => {
      const free = slots.take(socket.remoteAddress ?? '')
      try {
        const bytes = await readPreambleFrom(socket, timeoutMs)
        if (bytes === undefined) return false
        match(socket, bytes)
        return true
      } finally {
        free()
      }
    },
  }
}
