import { stringify } from 'yaml'
import { CliError } from '../failure.ts'
import type { Host } from '../host.ts'
import { isoTime, relativeTime } from '../moment.ts'
import { writeResult, type OutputForm } from '../output.ts'
import { printableLines } from '../printable.ts'
import { tableLines } from '../table.ts'
import type { StoredDocument__Output } from '../../rpc/generated/blazon/v1/StoredDocument.ts'
import { outputOption, withClient, type CommandSetup } from './command.ts'
import { documentKind } from '../document-kind.ts'
import { documentKinds } from '../../policy/index.ts'

interface DocumentView {
  readonly kind: string
  readonly name: string
  readonly namespace: string
  readonly revision: number
  readonly author: string
  readonly changedAt: string | null
  readonly spec: unknown
}

/** `get` and `delete`: what is stored, in the form that `apply` takes. */
export function addDocuments({ program, host }: CommandSetup): void {
  program
    .command('get')
    .summary('show documents')
    .description('Show documents. With -o yaml the result can be given back to apply.')
    .argument('[kind]', `${documentKinds.join(', ')}, in any case`)
    .argument('[name]', 'name of one document')
    .addOption(outputOption())
    .action(
      async (
        kind: string | undefined,
        name: string | undefined,
        options: { readonly output: OutputForm },
      ) => {
        const request = { kind: kind === undefined ? '' : documentKind(kind), name: name ?? '' }
        const { documents } = await withClient(host, (client) => client.listDocuments(request))
        if (name !== undefined && documents.length === 0) {
          throw new CliError('ERR_NOT_FOUND', `there is no ${request.kind} ${name}`, {
            hints: [`\`blazon get ${request.kind}\` lists them`],
          })
        }
        writeDocuments(host, options.output, documents, name !== undefined)
      },
    )
  program
    .command('delete')
    .summary('delete one document')
    .description('Delete one document. What only it allowed is denied and cut at once.')
    .argument('<kind>', `${documentKinds.join(', ')}, in any case`)
    .argument('<name>', 'name of the document')
    .addOption(outputOption())
    .action(async (kind: string, name: string, options: { readonly output: OutputForm }) => {
      const request = { kind: documentKind(kind), name }
      const { revision } = await withClient(host, (client) => client.deleteDocument(request))
      writeResult(host, options.output, { ...request, action: 'deleted', revision }, () => [
        `deleted ${request.kind} ${printableLines(name)}`,
      ])
    })
}

function writeDocuments(
  host: Host,
  form: OutputForm,
  documents: readonly StoredDocument__Output[],
  whole: boolean,
): void {
  if (form === 'yaml') {
    host.stdout.write(documents.map(({ yaml }) => asDocument(yaml)).join('---\n'))
    return
  }
  const views = documents.map(viewOf)
  writeResult(host, form, { documents: views }, () =>
    whole ? [...linesOf(host, views), ...specLines(views)] : linesOf(host, views),
  )
}

/** One YAML document with its end of line and without a separator of its own. */
function asDocument(yaml: string): string {
  const body = yaml.replace(/^---\n/, '')
  return body.endsWith('\n') ? body : `${body}\n`
}

function viewOf(stored: StoredDocument__Output): DocumentView {
  const { document, author, changedAtMs } = stored
  if (document === null)
    throw new CliError('ERR_CONTROLLER_FAILED', 'the controller sent an empty document')
  const { kind, name, namespace, revision, specJson } = document
  const spec: unknown = JSON.parse(specJson.toString('utf8'))
  return { kind, name, namespace, revision, author, changedAt: isoTime(changedAtMs), spec }
}

function linesOf(host: Host, documents: readonly DocumentView[]): string[] {
  if (documents.length === 0) return ['no documents']
  const columns = [
    { title: 'KIND' },
    { title: 'NAME' },
    { title: 'REVISION', align: 'right' as const },
    { title: 'CHANGED' },
    { title: 'BY' },
  ]
  const now = host.clock.now()
  const rows = documents.map(({ kind, name, revision, changedAt, author }) => [
    kind,
    name,
    String(revision),
    changedAt === null ? '-' : relativeTime(Date.parse(changedAt), now),
    author,
  ])
  return tableLines(columns, rows, host.stdout.colour)
}

/** Who asks for one document wants to read it. */
function specLines(documents: readonly DocumentView[]): string[] {
  return documents.flatMap(({ spec }) => [
    '',
    ...printableLines(stringify({ spec }).trimEnd()).split('\n'),
  ])
}
