import type { HistoryEntry__Output } from '../../rpc/generated/blazon/v1/HistoryEntry.ts'
import type { AdminClient } from '../client.ts'
import { documentKind } from '../document-kind.ts'
import { CliError } from '../failure.ts'
import type { Host } from '../host.ts'
import { isoTime, relativeTime } from '../moment.ts'
import { writeResult, type OutputForm } from '../output.ts'
import { printableLines } from '../printable.ts'
import { tableLines, type Cell } from '../table.ts'
import { countArgument, outputOption, withClient, type CommandSetup } from './command.ts'

const mostEntries = 500

/** `history` and `rollback`: what a document was before, and putting that in force again. */
export function addHistory({ program, host }: CommandSetup): void {
  program
    .command('history')
    .summary('show the versions of a document')
    .description('Show the versions that a document has had, newest first; a deleted one, too.')
    .argument('<kind>', 'kind of the document, in any case')
    .argument('<name>', 'name of the document')
    .option('--limit <number>', 'how many versions', countArgument(mostEntries), 50)
    .addOption(outputOption())
    .action(
      async (
        kind: string,
        name: string,
        options: { readonly limit: number; readonly output: OutputForm },
      ) => {
        const entries = await withClient(host, (client) =>
          versionsOf(client, documentKind(kind), name, options.limit),
        )
        writeResult(host, options.output, { entries: entries.map(viewOf) }, () =>
          linesOf(host, entries),
        )
      },
    )
  program
    .command('rollback')
    .summary('put an earlier version of a document in force again')
    .description('Put an earlier version of a document in force again, as a new revision.')
    .argument('<kind>', 'kind of the document, in any case')
    .argument('<name>', 'name of the document')
    .argument('<revision>', 'as `history` shows it', countArgument(Number.MAX_SAFE_INTEGER))
    .addOption(outputOption())
    .action(
      async (
        kind: string,
        name: string,
        revision: number,
        options: { readonly output: OutputForm },
      ) => {
        const proper = documentKind(kind)
        const applied = await withClient(host, (client) => rollback(client, proper, name, revision))
        const view = { kind: proper, name, from: revision, ...applied }
        writeResult(host, options.output, view, () => [
          applied.action === 'unchanged'
            ? `${proper} ${printableLines(name)} is as it was in revision ${String(revision)}`
            : `${proper} ${printableLines(name)} is as in revision ${String(revision)} again, now revision ${String(applied.revision)}`,
        ])
      },
    )
}

async function versionsOf(
  client: AdminClient,
  kind: string,
  name: string,
  limit: number,
): Promise<readonly HistoryEntry__Output[]> {
  const { entries } = await client.listHistory({ kind, name, limit })
  if (entries.length > 0) return entries
  throw new CliError('ERR_NOT_FOUND', `there has never been a ${kind} ${name}`, {
    hints: [`\`blazon get ${kind}\` lists those that there are`],
  })
}

async function rollback(
  client: AdminClient,
  kind: string,
  name: string,
  revision: number,
): Promise<{ readonly action: string; readonly revision: number }> {
  const entries = await versionsOf(client, kind, name, mostEntries)
  const entry = entries.find((one) => one.revision === revision)
  const hints = [`\`blazon history ${kind} ${name}\` lists the revisions`]
  if (entry === undefined) {
    throw new CliError(
      'ERR_NOT_FOUND',
      `${kind} ${name} has no revision ${String(revision)} among its newest ${String(entries.length)}`,
      { hints },
    )
  }
  if (entry.deleted) {
    throw new CliError(
      'ERR_INVALID',
      `revision ${String(revision)} is where ${kind} ${name} was deleted: there is nothing to put in force`,
      { hints },
    )
  }
  const source = `revision ${String(revision)}`
  const { documents } = await client.apply({ text: entry.yaml, source })
  const [applied] = documents
  if (applied === undefined) {
    throw new CliError('ERR_CONTROLLER_FAILED', 'the controller applied no document')
  }
  return { action: applied.action.toLowerCase(), revision: applied.revision }
}

function viewOf({ revision, author, changedAtMs, deleted, yaml }: HistoryEntry__Output): object {
  return { revision, author, changedAt: isoTime(changedAtMs), deleted, yaml }
}

function linesOf(host: Host, entries: readonly HistoryEntry__Output[]): string[] {
  const columns = [
    { title: 'REVISION', align: 'right' as const },
    { title: 'CHANGED' },
    { title: 'BY' },
    { title: '' },
  ]
  const now = host.clock.now()
  const rows = entries.map(({ revision, author, changedAtMs, deleted }): Cell[] => [
    String(revision),
    relativeTime(changedAtMs, now),
    author,
    deleted ? { text: 'deleted', tone: 'warn' } : '',
  ])
  return tableLines(columns, rows, host.stdout.colour)
}
