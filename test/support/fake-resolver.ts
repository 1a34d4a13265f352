import { createSocket, type RemoteInfo, type Socket as DatagramSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { decode, encode, type Answer, type Packet } from 'dns-packet'
import type { HostPort } from '../../src/base/env.ts'
import { createMessageReader, framed } from '../../src/sidecar/names/dns-stream.ts'
import { onPortFreeTwice } from './free-ports.ts'

/** How a query came in, and how to answer in any way. */
export interface Asked {
  readonly packet: Packet
  readonly bytes: Buffer
  readonly transport: 'udp' | 'tcp'
  /** Who asks, by UDP. */
  readonly from: RemoteInfo | undefined
  readonly send: (answer: Buffer) => void
}

/** A name server for tests: it has what it is told, or does what `onQuery` does. */
export interface FakeResolver extends AsyncDisposable {
  readonly address: HostPort
  readonly socket: DatagramSocket
  readonly asked: Asked[]
  /** Addresses by name; a name without any does not exist. */
  readonly addresses: Map<string, readonly string[]>
  ttl: number
  onQuery: ((asked: Asked) => void) | undefined
}

export async function startResolver(host = '127.0.0.1', port = 0): Promise<FakeResolver> {
  return await onPortFreeTwice(() => openResolver(host, port))
}

async function openResolver(host: string, port: number): Promise<FakeResolver> {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4')
  socket.bind(port, host)
  await once(socket, 'listening')
  const address = { host, port: socket.address().port }
  const server = createServer()
  const open = new Set<Socket>()
  const take = (asked: Asked): void => {
    resolver.asked.push(asked)
    if (resolver.onQuery === undefined) asked.send(wholeAnswer(resolver, asked.packet))
    else resolver.onQuery(asked)
  }
  socket.on('message', (bytes, from) => {
    const send = (answer: Buffer): void => {
      socket.send(answer, from.port, from.address)
    }
    take({ packet: decode(bytes), bytes, transport: 'udp', from, send })
  })
  server.on('connection', (stream) => {
    open.add(stream)
    stream.on('error', () => undefined)
    const onMessage = (bytes: Buffer): void => {
      const send = (answer: Buffer): void => {
        stream.write(framed(answer))
      }
      take({ packet: decode(bytes), bytes, transport: 'tcp', from: undefined, send })
    }
    stream.on(
      'data',
      createMessageReader({ mostBytes: 65_535, onMessage, onTooLong: () => undefined }),
    )
  })
  server.listen(address.port, host)
  try {
    await once(server, 'listening')
  } catch (error: unknown) {
    socket.close()
    throw error
  }
  const resolver: FakeResolver = {
    address: { host, port: (server.address() as AddressInfo).port },
    socket,
    asked: [],
    addresses: new Map(),
    ttl: 60,
    onQuery: undefined,
    [Symbol.asyncDispose]: async () => {
      for (const stream of open) stream.destroy()
      socket.close()
      server.close()
      await once(server, 'close')
    },
  }
  return resolver
}

/** What a resolver that does its work says. */
export function wholeAnswer(
  resolver: FakeResolver,
  query: Packet,
  change?: Partial<Packet>,
): Buffer {
  const [question] = query.questions ?? []
  if (question === undefined) throw new Error('expected a question')
  const all = resolver.addresses.get(question.name.toLowerCase()) ?? []
  const ofType = all.filter((one) => one.includes(':') === (question.type === 'AAAA'))
  const answers = ofType.map((data): Answer => ({
    type: question.type === 'AAAA' ? 'AAAA' : 'A',
    name: question.name,
    ttl: resolver.ttl,
    data,
  }))
  return encode({
    ...{ type: 'response', id: query.id ?? 0, flags: all.length > 0 ? 0x8180 : 0x8183 },
    ...{ questions: [question], answers },
    ...change,
  })
}
