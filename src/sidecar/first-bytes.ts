import type { Socket } from 'node:net'
import { alpnProtocol, readClientHello, type ClientHello } from '../tunnel/index.ts'

/**
 * What a connection begins with: a TLS handshake, something else, or `silence` where nothing came in
 * time. `gone`: it ended in the middle of what could have become either.
 */
export type Beginning = ClientHello | 'other' | 'silence' | 'gone'

/** Whether a connection begins as only our tunnels do. */
export function isTunnel(beginning: Beginning): boolean {
  return typeof beginning === 'object' && beginning.protocols.includes(alpnProtocol)
}

/** How long a ClientHello may take once it has begun. */
const wholeMs = 3_000

/**
 * Looks at the first bytes of a connection that nobody reads, and puts them back. Waits `firstMs` for
 * the first of them: where the other side speaks first there will be none.
 */
export async function lookAtBeginning(socket: Socket, firstMs: number): Promise<Beginning> {
  const { promise, resolve } = Promise.withResolvers<Beginning>()
  let seen: Buffer = Buffer.alloc(0)
  const look = (): void => {
    for (let chunk: unknown; (chunk = socket.read()) !== null;) {
      seen = Buffer.concat([seen, chunk as Buffer])
    }
    if (seen.length === 0) return
    const beginning = readClientHello(seen)
    if (beginning.kind === 'incomplete') waitForWhole()
    else finish(beginning.kind === 'other' ? 'other' : beginning)
  }
  let timer = setTimeout(() => {
    finish('silence')
  }, firstMs)
  let isWaiting = false
  const waitForWhole = (): void => {
    if (isWaiting) return
    isWaiting = true
    clearTimeout(timer)
    timer = setTimeout(() => {
      finish('other')
    }, wholeMs)
  }
  const onEnd = (): void => {
    finish(seen.length > 0 ? 'gone' : 'silence')
  }
  const onClose = (): void => {
    finish('gone')
  }
  const finish = (beginning: Beginning): void => {
    clearTimeout(timer)
    socket.off('readable', look).off('end', onEnd).off('close', onClose)
    if (seen.length > 0 && !socket.readableEnded) socket.unshift(seen)
    resolve(beginning)
  }
  socket.on('readable', look).on('end', onEnd).on('close', onClose)
  return await promise
}
