import type { Socket } from 'node:net'
import type { HostPort } from '../base/env.ts'
import { canonicalAddress } from '../tunnel/index.ts'
import { createHandshakeSlots } from '../tunnel/handshake-slots.ts'
import { isTunnel, lookAtBeginning } from './first-bytes.ts'
import type { Standing } from './judgement.ts'
import { chooseOutside, type OutsideChoice, type OutsideQuestion } from './outside-choice.ts'

/** What a connection at a mesh-facing listener is to be taken for. */
export type Arriving =
  | { readonly kind: 'tunnel' }
  | {
      readonly kind: 'outside'
      readonly question: OutsideQuestion
      readonly choice: Extract<OutsideChoice, { kind: 'outside' }>
    }
  /** A workload's machine that speaks in clear. */
  | { readonly kind: 'mesh-in-clear' }
  | { readonly kind: 'gone' }

/** One that is no tunnel. */
export type ClearArrival = Exclude<Arriving, { kind: 'tunnel' }>

/** Tells tunnels from clear connections that are allowed (PROTOCOL §4, "Telling our bytes from others"). */
export interface ArrivalCheck {
  /**
   * Undefined: nothing but a tunnel can come from there, so nobody has to look. Rejects with
   * `TunnelError` where too many are being looked at.
   */
  examine(socket: Socket, local: HostPort): Promise<Arriving> | undefined
  /** How long to wait for the first bytes of an arrival, in ms. */
  patience(socket: Socket, local: HostPort): number
}

/** A peer outside that says nothing for so long waits for the server to speak first. */
const outsideMs = 50
const meshMs = 3_000
const mostLookedAt = 256

export function createArrivalCheck(standing: () => Standing): ArrivalCheck {
  const slots = createHandshakeSlots(mostLookedAt, mostLookedAt / 4)

  const look = async (socket: Socket, firstMs: number): ReturnType<typeof lookAtBeginning> => {
    const free = slots.take(socket.remoteAddress ?? '')
    try {
      return await lookAtBeginning(socket, firstMs)
    } finally {
      free()
    }
  }
  const fromMesh = async (socket: Socket): Promise<Arriving> => {
    const beginning = await look(socket, meshMs)
    if (isTunnel(beginning)) return { kind: 'tunnel' }
    return { kind: beginning === 'silence' || beginning === 'gone' ? 'gone' : 'mesh-in-clear' }
  }
  const fromOutside = async (socket: Socket, question: OutsideQuestion): Promise<Arriving> => {
    const beginning = await look(socket, outsideMs)
    if (isTunnel(beginning)) return { kind: 'tunnel' }
    if (beginning === 'gone') return { kind: 'gone' }
    // Policy may have changed while nothing came.
    const choice = chooseOutside(standing(), question)
    return choice.kind === 'outside' ? { kind: 'outside', question, choice } : { kind: 'gone' }
  }

  const questionOf = (socket: Socket, { port }: HostPort): OutsideQuestion | undefined => {
    const address = canonicalAddress(socket.remoteAddress ?? '')
    return address === undefined ? undefined : { direction: 'ingress', address, port }
  }

  return {
    patience: (socket, local) => {
      const question = questionOf(socket, local)
      const isOutside =
        question !== undefined && chooseOutside(standing(), question).kind === 'outside'
      return isOutside ? outsideMs : meshMs
    },
    examine: (socket, local) => {
      const question = questionOf(socket, local)
      if (question === undefined) return undefined
      const { kind } = chooseOutside(standing(), question)
      if (kind === 'neither') return undefined
      return kind === 'mesh' ? fromMesh(socket) : fromOutside(socket, question)
    },
  }
}
