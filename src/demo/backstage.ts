import { chown } from 'node:fs/promises'
import { chooseAccount } from './account.ts'
import { createDemoDirectory, type DemoDirectory } from './directory.ts'
import { startGuard } from './guard.ts'
import { ensurePrograms } from './programs/installed.ts'
import type { ProgramContext } from './programs/program-context.ts'
import { createSupervisor } from './supervisor.ts'

/** What has to be there before anything is started; disposal ends every process and removes every file. */
export interface Backstage extends ProgramContext, AsyncDisposable {
  readonly files: DemoDirectory
  readonly logs: string
}

export async function prepareBackstage(signal: AbortSignal): Promise<Backstage> {
  const programs = await ensurePrograms(signal)
  const account = await chooseAccount()
  await using stack = new AsyncDisposableStack()
  const files = await createDemoDirectory()
  // The guard goes last: until then it stands by to remove the directory.
  const guard = stack.use(await startGuard(files.path))
  stack.use(files)
  const logs = await files.make('logs')
  const supervisor = stack.use(createSupervisor({ logs, guard, signal }))
  const owned = stack.move()
  return {
    ...{ programs, account, supervisor, guard, signal, files, logs },
    directory: async (name) => {
      const path = await files.make(name)
      if (account.switchTo !== undefined) {
        await chown(path, account.switchTo.uid, account.switchTo.gid)
      }
      return path
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
