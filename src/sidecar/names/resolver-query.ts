import { randomInt } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { connect, isIPv6 } from 'node:net'
import type { HostPort } from '../../base/env.ts'
import { readDnsMessage, type DnsMessage } from './dns-message.ts'
import { createMessageReader, framed } from './dns-stream.ts'

/** How a question travels. */
export type DnsTransport = 'udp' | 'tcp'

/** How long one resolver has to answer. */
const answerMs = 1_500

/** Asks the resolvers one after the other; undefined where none of them answers. */
export async function askResolvers(
  resolvers: readonly HostPort[],
  query: DnsMessage,
  transport: DnsTransport,
  signal: AbortSignal,
): Promise<DnsMessage | undefined> {
  for (const resolver of resolvers) {
    if (signal.aborted) return undefined
    const limit = AbortSignal.any([signal, AbortSignal.timeout(answerMs)])
    const asked = withNewId(query)
    const ask = transport === 'udp' ? askByUdp : askByTcp
    const answer = await ask(resolver, asked, limit)
    if (answer !== undefined) return answer
  }
  return undefined
}

/** An id of our own, so that who knows that of the program knows nothing. */
function withNewId(query: DnsMessage): DnsMessage {
  const bytes = Buffer.from(query.bytes)
  const id = randomInt(0x1_0000)
  bytes.writeUInt16BE(id, 0)
  return { ...query, bytes, id }
}

/**
 * Whether a message answers this query: the same id and question. What else comes in is somebody's
 * guess, and is not waited for any less.
 */
export function isAnswerTo(query: DnsMessage, message: DnsMessage): boolean {
  const asked = query.question
  const { question } = message
  return (
    message.isAnswer &&
    message.id === query.id &&
    message.operation === query.operation &&
    question.type === asked.type &&
    question.class === asked.class &&
    question.nameBytes.equals(asked.nameBytes)
  )
}

/** From a port of its own, which the kernel picks at random, and connected: nobody else's datagrams arrive. */
async function askByUdp(
  { host, port }: HostPort,
  query: DnsMessage,
  signal: AbortSignal,
): Promise<DnsMessage | undefined> {
  const { promise, resolve } = Promise.withResolvers<DnsMessage | undefined>()
  const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4')
  const giveUp = (): void => {
    resolve(undefined)
  }
  socket.on('error', giveUp)
  socket.on('message', (bytes) => {
    const message = readDnsMessage(bytes)
    if (message !== undefined && isAnswerTo(query, message)) resolve(message)
  })
  socket.once('connect', () => {
    socket.send(query.bytes)
  })
  socket.connect(port, host)
  signal.addEventListener('abort', giveUp, { once: true })
  try {
    return await promise
  } finally {
    signal.removeEventListener('abort', giveUp)
    socket.close()
  }
}

async function askByTcp(
  { host, port }: HostPort,
  query: DnsMessage,
  signal: AbortSignal,
): Promise<DnsMessage | undefined> {
  const { promise, resolve } = Promise.withResolvers<DnsMessage | undefined>()
  const socket = connect({ host, port, noDelay: true })
  const giveUp = (): void => {
    resolve(undefined)
  }
  const read = createMessageReader({
    mostBytes: 0xffff,
    onMessage: (bytes) => {
      const message = readDnsMessage(bytes)
      resolve(message !== undefined && isAnswerTo(query, message) ? message : undefined)
    },
    onTooLong: giveUp,
  })
  socket.on('data', read).on('error', giveUp).on('close', giveUp)
  socket.write(framed(query.bytes))
  signal.addEventListener('abort', giveUp, { once: true })
  try {
    return await promise
  } finally {
    signal.removeEventListener('abort', giveUp)
    socket.destroy()
  }
}
