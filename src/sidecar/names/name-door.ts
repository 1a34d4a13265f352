import { createSocket, type Socket as DatagramSocket } from 'node:dgram'
import { isIPv6, type Socket } from 'node:net'
import { formatHostPort, type HostPort } from '../../base/env.ts'
import { messageOf } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import { openListeners, type OpenedListeners } from '../capture.ts'
import { inBothFamilies } from '../capture-redirect.ts'
import { createMessageReader, framed } from './dns-stream.ts'
import { longestQuery, type NameService } from './name-service.ts'

type Answers = Pick<NameService, 'answer'>

const mostStreams = 64
const idleMs = 10_000

/** Opens where redirected programs ask for names, on loopback in both families. */
export async function openNameDoors(
  port: number,
  names: Answers,
  log: Logger,
): Promise<OpenedListeners> {
  const openAt = async (host: string): Promise<OpenedListeners> =>
    await openNameDoor({ host, port }, names, log)
  return await inBothFamilies({ v4: '127.0.0.1', v6: '::1' }, openAt, log)
}

/** Answers questions for names by UDP and TCP at one address; rejects where either cannot be opened. */
export async function openNameDoor(
  listen: HostPort,
  names: Answers,
  log: Logger,
): Promise<OpenedListeners> {
  const datagrams = await openDatagrams(listen, names, log)
  const address = { host: listen.host, port: datagrams.address().port }
  try {
    const streams = await openStreams(address, names, log)
    return {
      addresses: [address],
      stop: async () => {
        datagrams.close()
        await streams.stop()
      },
    }
  } catch (error: unknown) {
    datagrams.close()
    throw error
  }
}

async function openDatagrams(
  listen: HostPort,
  names: Answers,
  log: Logger,
): Promise<DatagramSocket> {
  const type = isIPv6(listen.host) ? 'udp6' : 'udp4'
  const socket = createSocket({ type, ipv6Only: type === 'udp6' })
  let isOpen = true
  socket.on('close', () => {
    isOpen = false
  })
  socket.on('message', (query, { address, port }) => {
    names
      .answer(query, 'udp')
      .then((answer) => {
        if (answer !== undefined && isOpen) socket.send(answer, port, address, () => undefined)
      })
      .catch((error: unknown) => {
        log.error({ error: messageOf(error) }, 'BUG: a name was not looked up')
      })
  })
  await new Promise<void>((resolve, reject) => {
    socket.once('error', (cause) => {
      reject(new Error(`cannot listen on ${formatHostPort(listen)} (UDP)`, { cause }))
    })
    socket.bind({ address: listen.host, port: listen.port }, resolve)
  })
  socket.on('error', (error) => {
    log.warn({ error: messageOf(error) }, 'name service')
  })
  return socket
}

async function openStreams(
  listen: HostPort,
  names: Answers,
  log: Logger,
): Promise<Pick<OpenedListeners, 'stop'>> {
  const open = new Set<Socket>()
  const onSocket = (socket: Socket): void => {
    if (open.size >= mostStreams) {
      socket.destroy()
      return
    }
    open.add(socket)
    socket.on('close', () => open.delete(socket))
    serveStream(socket, names, log)
  }
  const listeners = await openListeners([{ listen, onSocket }], { pause: false, ipv6Only: true })
  return {
    stop: async () => {
      for (const socket of open) socket.destroy()
      await listeners.stop()
    },
  }
}

/** Answers the queries of one connection, one after the other, and no more of them than are read. */
function serveStream(socket: Socket, names: Answers, log: Logger): void {
  const close = (): void => {
    socket.destroy()
  }
  const answer = async (query: Buffer): Promise<void> => {
    socket.pause()
    const found = await names.answer(query, 'tcp')
    if (found === undefined) close()
    else if (!socket.write(framed(found))) await roomIn(socket)
    socket.resume()
  }
  let last = Promise.resolve()
  const onMessage = (query: Buffer): void => {
    last = last
      .then(async () => {
        if (!socket.destroyed) await answer(query)
      })
      .catch((error: unknown) => {
        log.error({ error: messageOf(error) }, 'BUG: a name was not looked up')
        close()
      })
  }
  socket.setTimeout(idleMs, close)
  socket.on('data', createMessageReader({ mostBytes: longestQuery, onMessage, onTooLong: close }))
  socket.on('end', () => {
    void last.then(() => socket.end())
  })
}

/** Resolves once what was written has left, or the connection is gone. */
async function roomIn(socket: Socket): Promise<void> {
  if (socket.destroyed) return
  const { promise, resolve } = Promise.withResolvers<undefined>()
  const done = (): void => {
    resolve(undefined)
  }
  socket.on('drain', done).on('close', done)
  await promise
  socket.off('drain', done).off('close', done)
}
