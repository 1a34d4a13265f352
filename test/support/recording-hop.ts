import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import type { HostPort } from '../../src/base/env.ts'

/** One connection through the hop, and everything that it carried. */
export interface HopConnection {
  readonly near: Socket
  readonly far: Socket
  forth(): Buffer
  back(): Buffer
}

/** A machine on the way between two sidecars, which sees and does what such a machine can. */
export interface RecordingHop extends AsyncDisposable {
  readonly address: HostPort
  readonly connections: HopConnection[]
  /** Where it leads; to be set before the first connection. */
  target: HostPort
  /** What becomes of a new connection, by how many there were before. */
  onConnection: (index: number) => 'pass' | 'reset' | 'swallow'
  /** Everything seen, of all connections, in both directions. */
  seen(): Buffer
}

export async function startHop(): Promise<RecordingHop> {
  const connections: HopConnection[] = []
  const sockets: Socket[] = []
  const server = createServer({ allowHalfOpen: true }, (near) => {
    near.on('error', () => undefined)
    sockets.push(near)
    const fate = hop.onConnection(connections.length)
    if (fate === 'reset') {
      connections.push({
        near,
        far: near,
        forth: () => Buffer.alloc(0),
        back: () => Buffer.alloc(0),
      })
      near.resetAndDestroy()
      return
    }
    const forth: Buffer[] = []
    const back: Buffer[] = []
    near.on('data', (bytes: Buffer) => forth.push(bytes))
    const far = fate === 'pass' ? pass(near, hop.target) : near
    sockets.push(far)
    if (far !== near) far.on('data', (bytes: Buffer) => back.push(bytes))
    connections.push({
      ...{ near, far },
      forth: () => Buffer.concat(forth),
      back: () => Buffer.concat(back),
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const hop: RecordingHop = {
    address: { host: '127.0.0.1', port: (server.address() as AddressInfo).port },
    connections,
    target: { host: '127.0.0.1', port: 1 },
    onConnection: () => 'pass',
    seen: () => Buffer.concat(connections.flatMap((one) => [one.forth(), one.back()])),
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
  return hop
}

function pass(near: Socket, target: HostPort): Socket {
  const far = connect({ ...target, allowHalfOpen: true })
  near.pipe(far).pipe(near)
  near.on('error', () => far.resetAndDestroy())
  far.on('error', () => near.resetAndDestroy())
  return far
}
