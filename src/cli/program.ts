import { Command } from 'commander'
import { addAccounts } from './commands/accounts.ts'
import { addApply } from './commands/apply.ts'
import type { CommandSetup } from './commands/command.ts'
import { addCompletion } from './commands/completion.ts'
import { addAudit } from './commands/audit.ts'
import { addCa } from './commands/ca.ts'
import { addConsole } from './commands/console.ts'
import { addDiff } from './commands/diff.ts'
import { addHistory } from './commands/history.ts'
import { addIntercept } from './commands/intercept.ts'
import { addLabel } from './commands/label.ts'
import { addDocuments } from './commands/documents.ts'
import { addExplain } from './commands/explain.ts'
import { addFlows } from './commands/flows.ts'
import { addIid } from './commands/iid.ts'
import { addIncidents } from './commands/incidents.ts'
import { addLogin } from './commands/login.ts'
import { addNodes } from './commands/nodes.ts'
import { addProcesses } from './commands/processes.ts'
import { addStatus } from './commands/status.ts'
import { addToken } from './commands/token.ts'
import { addWorkloads } from './commands/workloads.ts'
import type { Host } from './host.ts'

/** Groups of `--help`, in its order. */
const groups: readonly (readonly [
  title: string,
  adders: readonly ((setup: CommandSetup) => void)[],
])[] = [
  ['Processes:', [addProcesses, addIntercept]],
  ['Documents:', [addApply, addDiff, addDocuments, addHistory, addExplain]],
  [
    'Mesh:',
    [addWorkloads, addLabel, addNodes, addAccounts, addIncidents, addFlows, addToken, addStatus],
  ],
  ['Controller:', [addCa, addAudit]],
  ['This machine:', [addLogin, addConsole, addIid, addCompletion]],
]

/** The whole command line as commander sees it; nothing of it writes anywhere but to `host`. */
export function createProgram(host: Host, finish: (code: number) => void): Command {
  const program = new Command('blazon')
    .description(
      'Identity-driven network security: who may talk to whom, by what they provably are.',
    )
    .version(host.version, '-V, --version', 'show the version')
    .helpOption('-h, --help', 'show help')
    .helpCommand('help [command]', 'show help for a command')
    .showSuggestionAfterError(true)
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => {
        host.stdout.write(text)
      },
      // runCli() tells what is wrong with the arguments, in one form with all other failures.
      outputError: () => undefined,
      writeErr: () => undefined,
      getOutHasColors: () => host.stdout.colour,
      getErrHasColors: () => host.stderr.colour,
    })
  for (const [title, adders] of groups) {
    program.commandsGroup(title)
    for (const add of adders) add({ program, host, finish })
  }
  return program
}
