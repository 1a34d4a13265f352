import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import type { HostPort } from '../../src/base/env.ts'

/** A way to a server that a test can cut and restore, while the server itself goes on. */
export interface Gate extends AsyncDisposable {
  readonly address: HostPort
  /** Cuts what is open, and every new connection as soon as it is made. */
  shut(): void
  open(): void
}

export async function openGate(to: HostPort): Promise<Gate> {
  const sockets = new Set<Socket>()
  let isOpen = true
  const keep = (socket: Socket): void => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.once('close', () => sockets.delete(socket))
  }
  const cut = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  const server = createServer((socket) => {
    keep(socket)
    if (!isOpen) {
      socket.destroy()
      return
    }
    const onward = connect(to)
    keep(onward)
    socket.once('close', () => onward.destroy())
    onward.once('close', () => socket.destroy())
    socket.pipe(onward).pipe(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    address: { host: '127.0.0.1', port: (server.address() as AddressInfo).port },
    shut: () => {
      isOpen = false
      cut()
    },
    open: () => {
      isOpen = true
    },
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close')
      server.close()
      cut()
      await closed
    },
  }
}
