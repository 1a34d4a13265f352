import type { Socket } from 'node:net'
import type { HostPort } from '../base/env.ts'
import { lookAtBeginning } from './first-bytes.ts'
import type { Standing } from './judgement.ts'
import { hangsOnServerName, type OutsideQuestion } from './outside-choice.ts'

/** The names that an address (in canonical form) has now, by what resolvers have answered. */
export type NamesOf = (address: string) => readonly string[]

/** How long a TLS client may take to begin. */
const helloMs = 3_000

/**
 * What there is to ask about a connection to a destination: the names of its address, and where it
 * hangs on that, the server that the client asks for. The bytes that say so stay in the socket.
 * Undefined where the connection has ended.
 */
export async function questionOf(
  socket: Socket,
  { host, port }: HostPort,
  namesOf: NamesOf,
  standing: Standing,
): Promise<OutsideQuestion | undefined> {
  const names = namesOf(host)
  const question = { direction: 'egress', address: host, port, names } as const
  if (!hangsOnServerName(standing, question)) return question
  const beginning = await lookAtBeginning(socket, helloMs)
  if (beginning === 'gone') return undefined
  return typeof beginning === 'object'
    ? { ...question, serverName: beginning.serverName }
    : question
}
