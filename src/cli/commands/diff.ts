import { stringify } from 'yaml'
import {
  decodeDocument,
  encodeSpec,
  parseDocuments,
  type PolicyDocument,
} from '../../policy/index.ts'
import type { StoredDocument__Output } from '../../rpc/generated/blazon/v1/StoredDocument.ts'
import { readDocumentFiles } from '../document-files.ts'
import { policyFailure } from '../policy-failure.ts'
import { printableLines } from '../printable.ts'
import { unifiedDiff } from '../text-diff.ts'
import { withClient, type CommandSetup } from './command.ts'

/** `diff`: what an apply would change, and whether it would change anything. */
export function addDiff({ program, host, finish }: CommandSetup): void {
  program
    .command('diff')
    .summary('show what an apply would change')
    .description(
      'Show what an apply would change, as a unified diff of canonical YAML. Exit code 1 when there is a difference.',
    )
    .option('-f, --file <path...>', 'YAML or JSON file, directory of such files, or - for stdin')
    .action(async (options: { readonly file?: readonly string[] }) => {
      const files = await readDocumentFiles(host, options.file ?? [])
      const documents = files.flatMap(({ text, source }) =>
        policyFailure(() => parseDocuments(text, source)),
      )
      const { documents: stored } = await withClient(host, (client) => client.listDocuments({}))
      const lines = documents.flatMap((document) => differences(document, stored))
      for (const line of lines) host.stdout.write(`${printableLines(line)}\n`)
      if (lines.length > 0) finish(1)
    })
}

function differences(
  document: PolicyDocument,
  stored: readonly StoredDocument__Output[],
): string[] {
  const { kind, name } = document
  const found = stored.find(
    ({ document: other }) => other?.kind === kind && other.name === name,
  )?.document
  const label = `${kind}/${name}`
  const before = found === undefined || found === null ? undefined : decodeDocument(found)
  return unifiedDiff(
    {
      name: before === undefined ? '/dev/null' : `stored/${label}`,
      text: before === undefined ? '' : canonicalYaml(before),
    },
    { name: `file/${label}`, text: canonicalYaml(document) },
  )
}

/** One form for both sides, so that spelling and order in the file make no difference. */
function canonicalYaml(document: PolicyDocument): string {
  const { kind, name, namespace } = document
  const spec: unknown = JSON.parse(encodeSpec(document).toString('utf8'))
  return stringify({ kind, name, ...(namespace === '/' ? {} : { namespace }), spec })
}
