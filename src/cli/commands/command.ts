import { InvalidArgumentError, Option, type Command } from 'commander'
import { duration, hostPort, integer, type HostPort, type Parse } from '../../base/env.ts'
import { messageOf } from '../../base/errors.ts'
import type { AdminClient } from '../client.ts'
import type { Host } from '../host.ts'
import { outputForms, type OutputForm } from '../output.ts'

/** What a command is given when it is added to the program. */
export interface CommandSetup {
  readonly program: Command
  readonly host: Host
  /** Sets the exit code of the program. */
  readonly finish: (code: number) => void
}

/** Runs `use` with a client of the admin API. The RPC code is loaded here: `--help` does without. */
export async function withClient<T>(
  host: Host,
  use: (client: AdminClient) => Promise<T>,
): Promise<T> {
  const { openSession } = await import('../session.ts')
  using client = await openSession(host)
  return await use(client)
}

/** `-o table|json|yaml`, the same on every command that has a result. */
export function outputOption(): Option {
  return new Option('-o, --output <form>', 'form of the result')
    .choices(outputForms)
    .default('table' satisfies OutputForm)
}

/** Turns a parser of ours into one of commander's, which words the failure as wrong usage. */
export function argument<T>(parse: Parse<T>): (value: string) => T {
  return (value) => {
    try {
      return parse(value)
    } catch (error: unknown) {
      throw new InvalidArgumentError(messageOf(error))
    }
  }
}

export const durationArgument: (value: string) => number = argument(duration)
export const addressArgument: (value: string) => HostPort = argument(hostPort)
export const portArgument: (value: string) => number = argument(integer(1, 65_535))

/** A whole number from 1 to `most`. */
export function countArgument(most: number): (value: string) => number {
  return argument(integer(1, most))
}
