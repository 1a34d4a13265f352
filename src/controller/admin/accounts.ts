import { quote } from '../../base/errors.ts'
import { accountForm } from '../../attest/index.ts'
import type { Account } from '../../rpc/generated/blazon/v1/Account.ts'
import type { DeleteAccountRequest__Output } from '../../rpc/generated/blazon/v1/DeleteAccountRequest.ts'
import type { DeleteAccountResponse } from '../../rpc/generated/blazon/v1/DeleteAccountResponse.ts'
import type { ListAccountsResponse } from '../../rpc/generated/blazon/v1/ListAccountsResponse.ts'
import type { PutAccountRequest__Output } from '../../rpc/generated/blazon/v1/PutAccountRequest.ts'
import type { PutAccountResponse } from '../../rpc/generated/blazon/v1/PutAccountResponse.ts'
import { parseDocuments, PolicyError } from '../../policy/index.ts'
import { accountOf } from '../accounts.ts'
import { needAdministrator, type Caller } from '../caller.ts'
import { ControllerError } from '../controller-error.ts'
import { restoreAttributes, type RegisteredWorkload } from '../workloads/registry.ts'
import type { AdminDeps } from './deps.ts'

const nameForm = /^[^\p{Cc}]{0,128}$/u

/** The AWS accounts whose instances may enrol. */
export function listAccounts({ accounts }: AdminDeps, caller: Caller): ListAccountsResponse {
  needAdministrator(caller, 'viewer')
  return { accounts: accounts.all().map(toWire) }
}

/** Binds an account on an administrator's word, or changes what is said of one that is bound. */
export async function putAccount(
  deps: AdminDeps,
  caller: Caller,
  { accountId, name, tagsTrusted }: PutAccountRequest__Output,
): Promise<PutAccountResponse> {
  const { name: author } = needAdministrator(caller, 'admin')
  checkAccountId(accountId)
  if (!nameForm.test(name)) {
    throw new ControllerError(
      'ERR_ARGUMENT',
      'expected a name of at most 128 characters without control characters',
    )
  }
  const account = await deps.changes.run(async () => {
    if (!tagsTrusted) refuseTagPolicies(deps)
    return deps.accounts.put({ accountId, name, tagsTrusted, author })
  })
  return { account: toWire(account) }
}

/** Documents that go by tags of any account were accepted while all accounts were trusted for them, and outlive those. */
function refuseTagPolicies({ book }: AdminDeps): void {
  const affected = [...book.all()].filter(({ stored }) => {
    const { kind, name, namespace, specJson } = stored
    const spec: unknown = JSON.parse(specJson)
    try {
      parseDocuments(JSON.stringify({ kind, name, namespace, spec }), 'stored')
      return false
    } catch (error: unknown) {
      if (error instanceof PolicyError) return true
      throw error
    }
  })
  if (affected.length === 0) return
  const names = affected.slice(0, 10).map(({ stored }) => `${stored.kind} ${stored.name}`)
  throw new ControllerError(
    'ERR_PRECONDITION',
    `an account without trusted tags could make its workloads match ${names.join(', ')}; name "aws.account" there first`,
  )
}

/** Unbinds an account: its instances neither enrol nor renew from now on, and with `revoke` are out at once. */
export async function deleteAccount(
  deps: AdminDeps,
  caller: Caller,
  { accountId, revoke }: DeleteAccountRequest__Output,
): Promise<DeleteAccountResponse> {
  const { name: author } = needAdministrator(caller, 'admin')
  checkAccountId(accountId)
  return deps.changes.run(async () => {
    if (deps.accounts.find(accountId) === undefined) {
      throw new ControllerError('ERR_NOT_FOUND', `account ${accountId} is not bound`)
    }
    const revoked = revoke ? livingOf(deps, accountId) : []
    const reason = `account ${accountId} was unbound (${author})`
    const applies = await deps.deferred.change(async (tables) => {
      const made = [await deps.accounts.remove(tables, accountId)]
      for (const entry of revoked) made.push(await deps.standing.revokeIn(tables, entry, reason))
      return made
    })
    for (const apply of applies) apply()
    return { revoked: revoked.length }
  })
}

/** The workloads of an account that may have a certificate. */
function livingOf({ registry, clock }: AdminDeps, accountId: string): RegisteredWorkload[] {
  return [...registry.workloads()].filter(({ stored: { attested, lastNotAfterMs } }) => {
    const isOfAccount = accountOf(restoreAttributes(attested)) === accountId
    return isOfAccount && lastNotAfterMs > clock.now()
  })
}

function checkAccountId(accountId: string): void {
  if (accountForm.pattern.test(accountId)) return
  throw new ControllerError(
    'ERR_ARGUMENT',
    `expected an account id of 12 digits, got ${quote(accountId)}`,
  )
}

function toWire(account: ReturnType<AdminDeps['accounts']['all']>[number]): Account {
  const { accountId, name, verified, arn, tagsTrusted, author, changedAtMs } = account
  return { accountId, name, verified, arn, tagsTrusted, author, changedAtMs }
}
