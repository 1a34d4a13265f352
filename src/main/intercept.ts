import { readFile } from 'node:fs/promises'
import { install, remove, resolversOf, type InterceptOptions } from '../intercept/index.ts'

/** Loads the rules of transparent capture into this network namespace, or removes them. */
export async function runIntercept(options: InterceptOptions | undefined): Promise<void> {
  if (options === undefined) {
    await remove()
    return
  }
  const resolvers = options.resolvers ?? resolversOf(await readFile('/etc/resolv.conf', 'utf8'))
  await install({ ...options, resolvers })
}
