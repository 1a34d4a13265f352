import { Argument } from 'commander'
import { completionScript, shells, type Shell } from '../completion.ts'
import type { CommandSetup } from './command.ts'

/** `completion`: a script for the user's shell, made from the commands themselves. */
export function addCompletion({ program, host }: CommandSetup): void {
  program
    .command('completion')
    .summary('print a completion script for a shell')
    .description('Print a completion script, such as: source <(blazon completion bash)')
    .addArgument(new Argument('<shell>', 'shell').choices(shells))
    .action((shell: Shell) => {
      host.stdout.write(completionScript(program, shell))
    })
}
