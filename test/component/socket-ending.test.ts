import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { expect } from 'chai'
import { connectApplication } from '../../src/sidecar/application.ts'
import { createRelay, type RelayStream } from '../../src/sidecar/relay.ts'
import { endWhenFlushed, resetSocket } from '../../src/sidecar/socket-ending.ts'
import { holdNothing } from '../../src/tunnel/index.ts'
import { connectClient, startApplication } from '../support/mesh-fixture.ts'
import { eventually } from '../support/poll.ts'

/** Both ends of a loopback connection, open for half-close. */
async function socketPair(): Promise<{ near: Socket; far: Socket } & AsyncDisposable> {
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const accepted = once(server, 'connection') as Promise<[Socket]>
  const far = connect({
    port: (server.address() as AddressInfo).port,
    host: '127.0.0.1',
    allowHalfOpen: true,
  })
  const [[near]] = await Promise.all([accepted, once(far, 'connect')])
  server.close()
  return {
    near,
    far,
    [Symbol.asyncDispose]: async () => {
      near.destroy()
      far.destroy()
    },
  }
}

/** What the far end has received when the connection is over. */
async function receivedBy(socket: Socket): Promise<{ bytes: number; ending: string }> {
  let bytes = 0
  socket.on('data', (chunk: Buffer) => {
    bytes += chunk.length
  })
  return { ending: await endingOf(socket), bytes }
}

/** How the far end sees the connection go; its handles have to be closed, or the test process never ends. */
async function endingOf(socket: Socket): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>()
  socket.on('error', (error: NodeJS.ErrnoException) => {
    resolve(error.code ?? 'error')
  })
  socket.on('end', () => {
    resolve('end')
  })
  socket.resume()
  return promise
}

describe('the ending of a socket', () => {
  it('is a reset even in the moment after its end was asked for, and the handle closes', async () => {
    await using pair = await socketPair()
    const closed = once(pair.near, 'close')
    endWhenFlushed(pair.near)
    resetSocket(pair.near)
    await closed
    expect(pair.near.destroyed).to.equal(true)
  })

  it('is a reset while bytes wait that the far end does not read', async () => {
    await using pair = await socketPair()
    pair.far.pause()
    while (pair.near.write(Buffer.alloc(1 << 20)));
    endWhenFlushed(pair.near)
    const closed = once(pair.near, 'close')
    resetSocket(pair.near)
    await closed
    expect(await endingOf(pair.far)).to.equal('ECONNRESET')
  })

  it('is a plain end once everything has left', async () => {
    await using pair = await socketPair()
    const ending = endingOf(pair.far)
    pair.near.write('bye')
    endWhenFlushed(pair.near)
    expect(await ending).to.equal('end')
  })
})

describe('a relay', () => {
  it('hands on what came in one turn with the reset that follows it', async () => {
    await using pair = await socketPair()
    const seen = receivedBy(pair.far)
    const { handlers } = createRelay(pair.near, () => undefined)
    handlers.onData(Buffer.alloc(12 * 1024), holdNothing)
    handlers.onReset(undefined)
    expect(await seen).to.deep.equal({ bytes: 12 * 1024, ending: 'ECONNRESET' })
  })
})

describe('the memory that a relay reads into', () => {
  /** What a stream holds of what it was given, once all of it has come. */
  async function heldBy(copies: boolean): Promise<number[]> {
    await using pair = await socketPair()
    const written: Buffer[] = []
    let bytes = 0
    const stream: RelayStream = {
      copies,
      closed: false,
      write: (chunk) => {
        written.push(chunk)
        bytes += chunk.length
        return true
      },
      ...{ end: () => undefined, reset: () => undefined },
      ...{ pause: () => undefined, resume: () => undefined },
    }
    createRelay(pair.near, () => undefined).start(stream)
    pair.far.write(Buffer.alloc(256 * 1024, 'x'))
    await eventually('all of it', () => bytes === 256 * 1024)
    return written.map((chunk) => chunk.lastIndexOf('x') + 1)
  }

  it('is free again at once when the stream has copied it', async () => {
    expect(new Set(await heldBy(true))).to.deep.equal(new Set([0]))
  })

  it('is left alone when the stream has not', async () => {
    const held = await heldBy(false)
    expect(held.reduce((sum, count) => sum + count)).to.equal(256 * 1024)
  })
})

describe('a connection to the application that is given up', () => {
  it('is a reset for the application, which the kernel may have told of it already', async () => {
    const ending = Promise.withResolvers<string>()
    await using application = await startApplication((socket) => {
      ending.resolve(endingOf(socket))
    })
    const gone = new AbortController()
    queueMicrotask(() => process.nextTick(() => gone.abort()))
    const outcome = connectApplication(application.address, {
      timeoutMs: 5_000,
      signal: gone.signal,
      reads: 'own',
    })
    expect(await outcome).to.equal('connection-reset')
    expect(await ending.promise).to.equal('ECONNRESET')
  })

  it('costs the application nothing when it has not begun', async () => {
    await using application = await startApplication()
    const gone = new AbortController()
    const outcome = connectApplication(application.address, {
      timeoutMs: 5_000,
      signal: gone.signal,
      reads: 'own',
    })
    gone.abort()
    expect(await outcome).to.equal('connection-reset')
    const after = connectClient(application.address, 'hello')
    await eventually('the echo', () => after.text() === 'hello')
    expect(application.sockets).to.have.lengthOf(1)
    after.socket.destroy()
  })
})
