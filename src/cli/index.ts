/**
 * `blazon`, the command line: one client of the admin API, and the way to start the other processes.
 * Results go to stdout, everything else to stderr. It takes its surroundings as a `Host`, so that
 * tests run whole commands in process; src/main/blazon.ts makes the real one.
 */
import { CommanderError, type Command } from 'commander'
import { describeFailure } from './describe-failure.ts'
import { CliError } from './failure.ts'
import type { Host } from './host.ts'
import { createProgram } from './program.ts'

export { CliError, type CliErrorCode } from './failure.ts'
export type { Host, Launchers, Sink } from './host.ts'

/** Runs one command line and resolves with its exit code: 0 done, 1 refused or failed, 2 wrong usage. */
export async function runCli(host: Host): Promise<number> {
  let exitCode = 0
  const program = createProgram(host, (code) => {
    exitCode = code
  })
  if (host.arguments.length === 0) {
    host.stderr.write(program.helpInformation({ error: true }))
    return 2
  }
  try {
    await program.parseAsync([...host.arguments], { from: 'user' })
    return exitCode
  } catch (error: unknown) {
    // Help and version were what was asked for.
    if (error instanceof CommanderError && error.exitCode === 0) return 0
    const failure = describeFailure(withUsageHint(error, program, host.arguments))
    host.stderr.write(failure.text)
    return failure.exitCode
  }
}

/** Tells where the usage of the command in question is, in one form for commander's errors and ours. */
function withUsageHint(error: unknown, program: Command, words: readonly string[]): unknown {
  const path = commandPath(program, words)
  const hint = `\`${path} --help\` shows its usage`
  if (error instanceof CliError && error.code === 'ERR_USAGE') {
    return new CliError('ERR_USAGE', error.message, { cause: error, hints: [...error.hints, hint] })
  }
  if (!(error instanceof CommanderError)) return error
  const [message = '', ...suggestions] = error.message.replace(/^error: /, '').split('\n')
  const shown = message === '(outputHelp)' ? `${path}: expected a command` : message
  const hints = suggestions.map((line) => line.replace(/^\((.*)\)$/, '$1').toLowerCase())
  return new CliError('ERR_USAGE', shown, { cause: error, hints: [...hints, hint] })
}

function commandPath(program: Command, words: readonly string[]): string {
  const path = [program.name()]
  let command: Command | undefined = program
  for (const word of words) {
    command = command.commands.find((child) => child.name() === word)
    if (command === undefined) break
    path.push(word)
  }
  return path.join(' ')
}
