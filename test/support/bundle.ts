import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { temporaryDirectory } from './mesh-fixture.ts'

const run = promisify(execFile)
const build = fileURLToPath(new URL('../../scripts/build.ts', import.meta.url))

/** The program as it is shipped, in a directory that goes with it. */
export interface Bundle extends AsyncDisposable {
  readonly directory: string
  readonly program: string
}

/** Bundles the program of this source. */
export async function bundleProgram(): Promise<Bundle> {
  const directory = await temporaryDirectory()
  await run(process.execPath, [build, directory.path])
  return {
    directory: directory.path,
    program: join(directory.path, 'blazon.mjs'),
    [Symbol.asyncDispose]: async () => {
      await directory[Symbol.asyncDispose]()
    },
  }
}
