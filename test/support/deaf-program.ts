import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { HostPort } from '../../src/base/env.ts'

/** A program that listens and takes no connection: the kernel does not answer the next one either. */
export interface DeafProgram extends AsyncDisposable {
  readonly address: HostPort
}

/** Connections that the kernel takes for a program with a backlog of 1 before it answers none. */
const taken = 2
const source = `
const server = require('node:net').createServer()
server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
  process.stdout.write(String(server.address().port))
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
})`

export async function startDeafProgram(): Promise<DeafProgram> {
  const child = spawn(process.execPath, ['-e', source], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [text] = (await once(child.stdout, 'data')) as [Buffer]
  const address = { host: '127.0.0.1', port: Number(text.toString()) }
  const sockets: Socket[] = []
  for (let count = 0; count < taken; count++) {
    const socket = connect(address)
    socket.on('error', () => undefined)
    await once(socket, 'connect')
    sockets.push(socket)
  }
  return {
    address,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      const exited = once(child, 'exit')
      child.kill('SIGKILL')
      await exited
    },
  }
}
