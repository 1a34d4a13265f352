import { quote } from '../../base/errors.ts'
import { splitPair } from '../attribute-set.ts'
import { CliError } from '../failure.ts'
import { writeResult, type OutputForm } from '../output.ts'
import { printable } from '../printable.ts'
import { outputOption, withClient, type CommandSetup } from './command.ts'

/** `label`: labels of one workload, beside those that documents and rules give. */
export function addLabel({ program, host }: CommandSetup): void {
  program
    .command('label')
    .summary('set or remove labels of one workload')
    .description(
      'Set or remove labels of one workload, beside those that documents and enrolment rules give it. ' +
        'It is asked to renew at once, and its older certificates are revoked.',
    )
    .argument('<workload>', 'workload name, id or SPIFFE ID')
    .argument('<changes...>', '`app=web` sets label.app, `app-` removes it')
    .addOption(outputOption())
    .action(
      async (
        workload: string,
        changes: readonly string[],
        options: { readonly output: OutputForm },
      ) => {
        const request = { workload, ...readChanges(changes) }
        const { labels } = await withClient(host, (client) => client.setLabels(request))
        const view = Object.fromEntries(labels.map(({ key, value }) => [key, value]))
        writeResult(host, options.output, { workload, labels: view }, () =>
          labels.length === 0
            ? [`${printable(workload)} has no labels of its own`]
            : labels.map(({ key, value }) => printable(`label.${key}=${value}`)),
        )
      },
    )
}

/** Reads `key=value` and `key-`. Throws `CliError` ERR_USAGE. */
export function readChanges(changes: readonly string[]): {
  set: { key: string; value: string }[]
  remove: string[]
} {
  const set: { key: string; value: string }[] = []
  const remove: string[] = []
  for (const change of changes) {
    if (change.includes('=')) {
      const [key, value] = splitPair(change)
      set.push({ key: bare(key), value })
    } else if (/.-$/.test(change)) {
      remove.push(bare(change.slice(0, -1)))
    } else {
      throw new CliError('ERR_USAGE', `expected key=value or key-, got ${quote(change)}`)
    }
  }
  return { set, remove }
}

function bare(key: string): string {
  return key.replace(/^label\./, '')
}
