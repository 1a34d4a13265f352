import { InvalidArgumentError } from 'commander'
import { quote } from '../../base/errors.ts'
import type { Account__Output } from '../../rpc/generated/blazon/v1/Account.ts'
import type { Host } from '../host.ts'
import { isoTime, relativeTime } from '../moment.ts'
import { writeResult, type OutputForm } from '../output.ts'
import { tableLines, type Cell } from '../table.ts'
import { outputOption, withClient, type CommandSetup } from './command.ts'

/** `accounts list|add|remove`: the AWS accounts whose instances may enrol. */
export function addAccounts({ program, host }: CommandSetup): void {
  const accounts = program
    .command('accounts')
    .summary('show and change which AWS accounts may enrol')
    .description('AWS accounts whose instances may enrol; without any, none may.')
  accounts
    .command('list')
    .description('Show the accounts that are bound.')
    .addOption(outputOption())
    .action(async (options: { readonly output: OutputForm }) => {
      const response = await withClient(host, (client) => client.listAccounts())
      const views = response.accounts.map(viewOf)
      writeResult(host, options.output, { accounts: views }, () =>
        listLines(host, response.accounts),
      )
    })
  addAdd(accounts, host)
  addRemove(accounts, host)
}

function addAdd(accounts: CommandSetup['program'], host: Host): void {
  accounts
    .command('add')
    .summary('let instances of an account enrol')
    .description(
      'Let instances of an account enrol, on your word that it is yours. For an account that is ' +
        'bound already, change its name and whether its tags are trusted.',
    )
    .argument('<account>', 'account id, 12 digits', accountArgument)
    .option('--name <text>', 'what people call it', '')
    .option('--tags-trusted', 'let policies select on its tags without naming the account')
    .addOption(outputOption())
    .action(
      async (
        accountId: string,
        options: {
          readonly name: string
          readonly tagsTrusted?: boolean
          readonly output: OutputForm
        },
      ) => {
        const { name, tagsTrusted = false } = options
        const { account } = await withClient(host, (client) =>
          client.putAccount({ accountId, name, tagsTrusted }),
        )
        writeResult(host, options.output, account === null ? {} : viewOf(account), () => [
          `account ${accountId} is bound`,
        ])
      },
    )
}

function addRemove(accounts: CommandSetup['program'], host: Host): void {
  accounts
    .command('remove')
    .summary('let instances of an account enrol no more')
    .description(
      'Refuse enrolments and renewals of an account from now on. What its workloads have holds ' +
        'until it ends, unless --revoke cuts them at once.',
    )
    .argument('<account>', 'account id, 12 digits', accountArgument)
    .option('--revoke', 'revoke the certificates of its workloads, too')
    .addOption(outputOption())
    .action(
      async (
        accountId: string,
        options: { readonly revoke?: boolean; readonly output: OutputForm },
      ) => {
        const { revoke = false } = options
        const { revoked } = await withClient(host, (client) =>
          client.deleteAccount({ accountId, revoke }),
        )
        writeResult(host, options.output, { accountId, revoked }, () => [
          `account ${accountId} is not bound any more, ${String(revoked)} workloads revoked`,
        ])
      },
    )
}

function accountArgument(text: string): string {
  if (/^[0-9]{12}$/.test(text)) return text
  throw new InvalidArgumentError(`expected an account id of 12 digits, got ${quote(text)}`)
}

function viewOf(account: Account__Output): object {
  return {
    accountId: account.accountId,
    name: account.name,
    verified: account.verified,
    arn: account.arn === '' ? null : account.arn,
    tagsTrusted: account.tagsTrusted,
    author: account.author,
    changedAt: isoTime(account.changedAtMs),
  }
}

function listLines(host: Host, accounts: readonly Account__Output[]): string[] {
  if (accounts.length === 0) return ['no accounts: no instance may enrol']
  const columns = [
    { title: 'ACCOUNT' },
    { title: 'NAME' },
    { title: 'VERIFIED' },
    { title: 'TAGS' },
    { title: 'BY' },
    { title: 'CHANGED' },
  ]
  const now = host.clock.now()
  const rows = accounts.map((account): Cell[] => [
    { text: account.accountId, tone: 'strong' },
    account.name,
    account.verified,
    account.tagsTrusted ? 'trusted' : '-',
    account.author,
    relativeTime(account.changedAtMs, now),
  ])
  return tableLines(columns, rows, host.stdout.colour)
}
