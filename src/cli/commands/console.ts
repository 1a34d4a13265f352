import type { Host } from '../host.ts'
import { isoTime, relativeTime } from '../moment.ts'
import { note, writeResult, type OutputForm } from '../output.ts'
import { printable } from '../printable.ts'
import { outputOption, withClient, type CommandSetup } from './command.ts'

/** `console`: a way into the browser without a password. */
export function addConsole({ program, host }: CommandSetup): void {
  program
    .command('console')
    .summary('print a link that signs a browser in')
    .description(
      'Print a link that signs a browser in as you. It is good once and for five minutes: whoever opens ' +
        'it first is you.',
    )
    .addOption(outputOption())
    .action(async (options: { readonly output: OutputForm }) => {
      await printSignInLink(host, options.output)
    })
}

/** Asks for a link and prints it, alone on stdout. */
export async function printSignInLink(host: Host, form: OutputForm): Promise<void> {
  const { url, expiresAtMs } = await withClient(host, (client) => client.createSignInLink())
  note(host, `note: the link is good once; it ends ${relativeTime(expiresAtMs, host.clock.now())}`)
  writeResult(host, form, { url, expiresAt: isoTime(expiresAtMs) }, () => [printable(url)])
}
