import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { HostPort } from '../../src/base/env.ts'
import { startMesh, type TestMesh } from './mesh-fixture.ts'

/** One end of a connection, and what its program sees of it. */
export interface End {
  readonly socket: Socket
  /** Everything received so far. */
  text(): string
  /** How the other direction ended: `end`, `reset`, or `closed` without either. */
  readonly ended: Promise<string>
  /** What was received until then, and how it ended. */
  seen(): Promise<readonly [text: string, ending: string]>
}

/** Watches a socket that is open for half-close. */
export function watchEnd(socket: Socket): End {
  const received: Buffer[] = []
  const ended = Promise.withResolvers<string>()
  socket.on('data', (bytes: Buffer) => received.push(bytes))
  socket.on('end', () => {
    ended.resolve('end')
  })
  socket.on('error', (error: NodeJS.ErrnoException) => {
    ended.resolve(error.code === 'ECONNRESET' ? 'reset' : String(error.code))
  })
  socket.on('close', () => {
    ended.resolve('closed')
  })
  const text = (): string => Buffer.concat(received).toString()
  const seen: End['seen'] = async () => {
    const ending = await ended.promise
    return [text(), ending]
  }
  return { socket, text, ended: ended.promise, seen }
}

/** A way from a client to the same program: straight, or through two sidecars. */
export interface Way {
  readonly name: 'straight' | 'through the mesh'
  readonly to: HostPort
}

/** A program on loopback that clients reach both ways. */
export interface BothWays extends AsyncDisposable {
  readonly ways: readonly Way[]
  readonly mesh: TestMesh
  /** Connects; fulfils once the client's program is told that the connection stands. */
  connect(way: Way): Promise<End>
  /** The program's end of the next connection, whichever way it comes. */
  next(): Promise<Socket>
}

export async function startBothWays(): Promise<BothWays> {
  const arrived: Socket[] = []
  const waiting: ((socket: Socket) => void)[] = []
  const mesh = await startMesh({
    onSocket: (socket) => {
      const waiter = waiting.shift()
      if (waiter === undefined) arrived.push(socket)
      else waiter(socket)
    },
  })
  const clients = new Set<Socket>()
  return {
    mesh,
    ways: [
      { name: 'straight', to: mesh.application.address },
      { name: 'through the mesh', to: mesh.entrance },
    ],
    connect: async ({ to }) => {
      const socket = connect({ ...to, allowHalfOpen: true })
      clients.add(socket)
      socket.once('close', () => clients.delete(socket))
      const end = watchEnd(socket)
      await once(socket, 'connect')
      return end
    },
    next: async () => {
      const socket = arrived.shift()
      if (socket !== undefined) return socket
      return await new Promise<Socket>((resolve) => waiting.push(resolve))
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of clients) socket.destroy()
      await mesh[Symbol.asyncDispose]()
    },
  }
}
