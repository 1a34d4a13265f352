import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export const directoryPrefix = 'blazon-demo-'

/** Everything that a demonstration writes is in here; disposal removes it. */
export interface DemoDirectory extends AsyncDisposable {
  readonly path: string
  /** A new directory below it that only its owner may enter. */
  make(name: string): Promise<string>
}

/** Others may pass through it (the programs run under an account of their own), not list it. */
export async function createDemoDirectory(): Promise<DemoDirectory> {
  const path = await mkdtemp(join(tmpdir(), directoryPrefix))
  await chmod(path, 0o711)
  return {
    path,
    make: async (name) => {
      const made = join(path, name)
      await mkdir(made, { mode: 0o700 })
      return made
    },
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 5 }),
  }
}
