import { chown } from 'node:fs/promises'
import { chooseAccount, ownAccount, type Account } from './account.ts'
import type { CaptureForm } from './capture-form.ts'
import type { WorkloadName } from './cast.ts'
import { createDemoDirectory, type DemoDirectory } from './directory.ts'
import { startGuard } from './guard.ts'
import { thisMachine } from './machine.ts'
import { makeMachines, sidecarAccount, type OwnMachine } from './own-network.ts'
import { ensurePrograms, programNames } from './programs/installed.ts'
import type { ProgramContext } from './programs/program-context.ts'
import { createSupervisor } from './supervisor.ts'

/** What has to be there before anything is started; disposal ends every process and removes every file. */
export interface Backstage extends ProgramContext, AsyncDisposable {
  readonly files: DemoDirectory
  readonly logs: string
  readonly capture: CaptureForm
  /** Whom sidecars run as. */
  readonly sidecarAccount: Account
  /** The machines that were made for workloads; none with explicit capture, where all is on this one. */
  readonly machines: ReadonlyMap<WorkloadName, OwnMachine>
  /** The same, for what is started on the machine of a workload. */
  on(workload: WorkloadName): ProgramContext
}

/** With redirection this process is in a network of its own from here on, for good. */
export async function prepareBackstage(
  signal: AbortSignal,
  capture: CaptureForm = { kind: 'explicit', why: 'nothing else was asked for' },
): Promise<Backstage> {
  const programs = await ensurePrograms(programNames, signal)
  const account = await chooseAccount()
  await using stack = new AsyncDisposableStack()
  const files = await createDemoDirectory()
  // The guard goes last: until then it stands by to remove the directory.
  const guard = stack.use(await startGuard(files.path))
  stack.use(files)
  const logs = await files.make('logs')
  const supervisor = stack.use(createSupervisor({ logs, guard, signal }))
  const isRedirect = capture.kind === 'redirect'
  const machines = isRedirect
    ? await makeMachines({ programs: capture.programs, supervisor, guard, signal }, account)
    : new Map<WorkloadName, OwnMachine>()
  const context: ProgramContext = {
    ...{ programs, account, supervisor, guard, signal, machine: thisMachine },
    directory: async (name, owner = account) => {
      const path = await files.make(name)
      const { switchTo } = owner
      if (switchTo !== undefined) await chown(path, switchTo.uid, switchTo.gid)
      return path
    },
  }
  const owned = stack.move()
  return {
    ...{ ...context, files, logs, capture, machines },
    sidecarAccount: isRedirect ? sidecarAccount : ownAccount(),
    on: (workload) => ({ ...context, machine: machines.get(workload) ?? thisMachine }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
