import type { AccountsTable } from './trust-tables.ts'
import type { Tables } from './store.ts'

/** An AWS account whose instances may enrol. */
export interface StoredAccount {
  /** 12 digits. */
  readonly accountId: string
  readonly name: string
  /** Who says that it is ours: the account itself, by a signed GetCallerIdentity, or an administrator. */
  readonly verified: AccountsTable['verified']
  /** Who proved it, for `sts`; empty otherwise. */
  readonly arn: string
  /** Whether policies may select on its tags without naming the account. */
  readonly tagsTrusted: boolean
  readonly author: string
  readonly changedAtMs: number
}

export async function loadAccounts(tables: Tables): Promise<StoredAccount[]> {
  const rows = await tables.selectFrom('accounts').selectAll().orderBy('account_id').execute()
  return rows.map((row) => ({
    accountId: row.account_id,
    name: row.name,
    verified: row.verified,
    arn: row.arn,
    tagsTrusted: row.tags_trusted !== 0,
    author: row.author,
    changedAtMs: row.changed_at_ms,
  }))
}

export async function putAccount(tables: Tables, account: StoredAccount): Promise<void> {
  const changed: Omit<AccountsTable, 'account_id'> = {
    name: account.name,
    verified: account.verified,
    arn: account.arn,
    tags_trusted: account.tagsTrusted ? 1 : 0,
    author: account.author,
    changed_at_ms: account.changedAtMs,
  }
  await tables
    .insertInto('accounts')
    .values({ account_id: account.accountId, ...changed })
    .onConflict((conflict) => conflict.column('account_id').doUpdateSet(changed))
    .execute()
}

export async function deleteAccount(tables: Tables, accountId: string): Promise<void> {
  await tables.deleteFrom('accounts').where('account_id', '=', accountId).execute()
}
