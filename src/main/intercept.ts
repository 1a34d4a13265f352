import { readFile } from 'node:fs/promises'
import { nameServersOf } from '../base/resolv-conf.ts'
import {
  addressesOf,
  holdDatagramGate,
  install,
  remove,
  type InterceptOptions,
} from '../intercept/index.ts'
import { loadLibc, peerAccountOf } from '../sys/index.ts'

/** Loads the rules of transparent capture into this network namespace, or removes them. */
export async function runIntercept(options: InterceptOptions | undefined): Promise<void> {
  if (options === undefined) {
    await remove()
    return
  }
  const resolvers = options.resolvers ?? addressesOf(await nameServers())
  await install({ ...options, resolvers })
}

/** Holds the gate for datagrams of this network namespace. */
export async function runDatagramGate(
  warn: (message: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const libc = await loadLibc()
  await holdDatagramGate({ peerOf: (socket) => peerAccountOf(libc, socket), warn }, signal)
}

async function nameServers(): Promise<string[]> {
  return nameServersOf(await readFile('/etc/resolv.conf', 'utf8'))
}
