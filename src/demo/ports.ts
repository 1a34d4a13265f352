import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import type { HostPort } from '../base/env.ts'
import { codeOf } from '../base/errors.ts'
import { DemoError } from './demo-error.ts'

/** Listens and closes again; false when somebody else has the pair. */
async function isFree({ host, port }: HostPort): Promise<boolean> {
  try {
    const server = await listen({ host, port })
    await closed(server)
    return true
  } catch (error: unknown) {
    if (codeOf(error) === 'EADDRINUSE') return false
    throw error
  }
}

async function listen({ host, port }: HostPort): Promise<Server> {
  const server = createServer((socket) => socket.destroy())
  server.listen({ host, port, exclusive: true })
  await once(server, 'listening')
  return server
}

async function closed(server: Server): Promise<void> {
  const done = once(server, 'close')
  server.close()
  await done
}

/** A port that nobody has at this moment, for a program that cannot take port 0 and say what it got. */
export async function freePort(host: string): Promise<number> {
  const server = await listen({ host, port: 0 })
  const address = server.address()
  await closed(server)
  if (address === null || typeof address === 'string')
    throw new Error('BUG: a listener without port')
  return address.port
}

/** A block of loopback networks, 127.0.<base + n>.0/24 for the n-th machine of the demonstration. */
export interface AddressBlock extends AsyncDisposable {
  /** Address `host` of machine `machine`. */
  address(machine: number, host: number): string
}

const firstBase = 10
const blockSize = 16
const lastBase = 240
const lockPort = 15_999

/**
 * Finds a block in which all `pairs` are free and holds it: a listener in it keeps other
 * demonstrations off, and goes with this process however it ends.
 */
export async function reserveBlock(
  pairs: (block: Pick<AddressBlock, 'address'>) => readonly HostPort[],
): Promise<AddressBlock> {
  for (let base = firstBase; base + blockSize <= lastBase; base += blockSize) {
    const block = {
      address: (machine: number, host: number) => `127.0.${String(base + machine)}.${String(host)}`,
    }
    const lock = await listen({ host: block.address(0, 254), port: lockPort }).catch(
      () => undefined,
    )
    if (lock === undefined) continue
    const free = await Promise.all(pairs(block).map(isFree))
    if (free.every(Boolean)) return { ...block, [Symbol.asyncDispose]: () => closed(lock) }
    await closed(lock)
  }
  const ports = [...new Set(pairs({ address: () => '' }).map(({ port }) => String(port)))]
  throw new DemoError(
    'ERR_PORTS',
    `expected loopback addresses on which the ports ${ports.join(', ')} are free; a program that listens on all addresses keeps one of them`,
  )
}
