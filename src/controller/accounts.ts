import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { Attribute } from '../identity/index.ts'
import { ControllerError } from './controller-error.ts'
import { deleteAccount, loadAccounts, putAccount, type StoredAccount } from './store/accounts.ts'
import type { Store, Tables } from './store/store.ts'

/** The AWS accounts that are ours: an empty table admits nobody. Its changes must not run side by side. */
export interface AccountBook {
  find(accountId: string): StoredAccount | undefined
  /** By account id. */
  all(): readonly StoredAccount[]
  /** Whether the tags of every account may be selected on without naming it; false where there is none. */
  readonly tagsTrusted: boolean
  /** Throws `ControllerError` for attested attributes that say an account which is not in the table. */
  check(attested: readonly Attribute[]): void
  put(account: {
    readonly accountId: string
    readonly name: string
    readonly tagsTrusted: boolean
    readonly author: string
  }): Promise<StoredAccount>
  /** Unbinds one as part of a transaction; it is unbound once what this returns is called. */
  remove(tables: Tables, accountId: string): Promise<() => void>
}

export async function openAccountBook(deps: {
  readonly store: Store
  readonly clock: Clock
  readonly log: Logger
}): Promise<AccountBook> {
  const { store, clock, log } = deps
  const accounts = new Map<string, StoredAccount>()
  for (const account of await loadAccounts(store.tables)) accounts.set(account.accountId, account)

  return {
    find: (accountId) => accounts.get(accountId),
    all: () => [...accounts.values()].sort((a, b) => (a.accountId < b.accountId ? -1 : 1)),
    get tagsTrusted() {
      return accounts.size > 0 && [...accounts.values()].every((account) => account.tagsTrusted)
    },
    check: (attested) => {
      const accountId = accountOf(attested)
      if (accountId === undefined || accounts.has(accountId)) return
      throw new ControllerError(
        'ERR_PERMISSION',
        `AWS account ${accountId} is not one of this controller's; an administrator can add it with \`blazon accounts add ${accountId}\``,
      )
    },
    put: async ({ accountId, name, tagsTrusted, author }) => {
      const { verified, arn } = accounts.get(accountId) ?? { verified: 'operator', arn: '' }
      const changedAtMs = clock.now()
      const account = { accountId, name, verified, arn, tagsTrusted, author, changedAtMs }
      await store.change((tables) => putAccount(tables, account))
      accounts.set(accountId, account)
      log.info({ account: accountId, tags_trusted: tagsTrusted, author }, 'account bound')
      return account
    },
    remove: async (tables, accountId) => {
      await deleteAccount(tables, accountId)
      return () => {
        accounts.delete(accountId)
        log.info({ account: accountId }, 'account unbound')
      }
    },
  }
}

/** The account that evidence proved; undefined for a node outside AWS. */
export function accountOf(attested: readonly Attribute[]): string | undefined {
  return attested.find(({ key, provenance }) => key === 'aws.account' && provenance === 'signed')
    ?.value
}
