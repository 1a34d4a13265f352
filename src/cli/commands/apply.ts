import type { ApplyResponse__Output } from '../../rpc/generated/blazon/v1/ApplyResponse.ts'
import type { AdminClient } from '../client.ts'
import { readDocumentFiles, type DocumentFile } from '../document-files.ts'
import { CliError } from '../failure.ts'
import type { Host } from '../host.ts'
import { note, writeResult, type OutputForm } from '../output.ts'
import { tableLines, type Cell } from '../table.ts'
import { outputOption, withClient, type CommandSetup } from './command.ts'

interface ApplyOptions {
  readonly file?: readonly string[]
  readonly dryRun?: boolean
  readonly output: OutputForm
}

interface AppliedView {
  readonly kind: string
  readonly name: string
  readonly action: string
  readonly revision: number
  readonly source: string
}

/** `apply`: sends documents; with several files nothing is changed unless all of them are valid. */
export function addApply({ program, host }: CommandSetup): void {
  program
    .command('apply')
    .summary('create or update documents')
    .description('Create or update documents: policies, enrolment rules, labels.')
    .option('-f, --file <path...>', 'YAML or JSON file, directory of such files, or - for stdin')
    .option('--dry-run', 'check and say what would change, but change nothing')
    .addOption(outputOption())
    .action(async (options: ApplyOptions) => {
      const files = await readDocumentFiles(host, options.file ?? [])
      await withClient(host, (client) => apply(host, client, files, options))
    })
}

async function apply(
  host: Host,
  client: AdminClient,
  files: readonly DocumentFile[],
  options: ApplyOptions,
): Promise<void> {
  const dryRun = options.dryRun === true
  if (files.length > 1 && !dryRun) await checkAll(client, files)
  const documents: AppliedView[] = []
  const warnings: string[] = []
  for (const { text, source } of files) {
    const response = await client.apply({ text, source, dryRun })
    documents.push(...response.documents.map((document) => viewOf(document, source)))
    warnings.push(...response.warnings)
  }
  for (const warning of warnings) note(host, `warning: ${warning}`)
  if (dryRun) note(host, 'note: dry run, nothing was changed')
  writeResult(host, options.output, { dryRun, documents, warnings }, () => linesOf(host, documents))
}

/** Reports the problems of every file, not only those of the first bad one. */
async function checkAll(client: AdminClient, files: readonly DocumentFile[]): Promise<void> {
  const failures: CliError[] = []
  for (const { text, source } of files) {
    try {
      await client.apply({ text, source, dryRun: true })
    } catch (error: unknown) {
      if (!(error instanceof CliError) || error.code !== 'ERR_INVALID') throw error
      failures.push(error)
    }
  }
  const [first, ...rest] = failures
  if (first === undefined) return
  if (rest.length === 0) throw first
  throw new CliError(
    'ERR_INVALID',
    `${String(failures.length)} of ${String(files.length)} files are invalid, nothing was changed`,
    {
      cause: first,
      problems: failures.flatMap(({ message, problems }) =>
        problems.length === 0 ? [message] : problems,
      ),
    },
  )
}

function viewOf(document: ApplyResponse__Output['documents'][number], source: string): AppliedView {
  const { kind, name, revision } = document
  return { kind, name, action: document.action.toLowerCase(), revision, source }
}

function linesOf(host: Host, documents: readonly AppliedView[]): string[] {
  const columns = [
    { title: 'KIND' },
    { title: 'NAME' },
    { title: 'ACTION' },
    { title: 'REVISION', align: 'right' as const },
  ]
  const rows = documents.map(({ kind, name, action, revision }): Cell[] => [
    kind,
    name,
    { text: action, tone: action === 'unchanged' ? 'dim' : 'good' },
    String(revision),
  ])
  return tableLines(columns, rows, host.stdout.colour)
}
