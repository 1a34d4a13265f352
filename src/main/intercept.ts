import { readFile } from 'node:fs/promises'
import { nameServersOf } from '../base/resolv-conf.ts'
import { addressesOf, install, remove, type InterceptOptions } from '../intercept/index.ts'

/** Loads the rules of transparent capture into this network namespace, or removes them. */
export async function runIntercept(options: InterceptOptions | undefined): Promise<void> {
  if (options === undefined) {
    await remove()
    return
  }
  const resolvers = options.resolvers ?? addressesOf(await nameServers())
  await install({ ...options, resolvers })
}

async function nameServers(): Promise<string[]> {
  return nameServersOf(await readFile('/etc/resolv.conf', 'utf8'))
}
