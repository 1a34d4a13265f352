import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { userInfo } from 'node:os'
import { DemoError } from './demo-error.ts'

/** Whom the real programs run as. */
export interface Account {
  readonly name: string
  /** Only set when it is another account than our own: PostgreSQL and an sshd without privilege refuse root. */
  readonly switchTo: { readonly uid: number; readonly gid: number } | undefined
}

const unprivileged = 'postgres'

/** Whom we run as. */
export function ownAccount(): Account {
  return { name: userInfo().username, switchTo: undefined }
}

/**
 * Our own account, or that of Debian's PostgreSQL package when we are root: it is there wherever
 * PostgreSQL is, and has a shell, without which sshd could run no command.
 */
export async function chooseAccount(): Promise<Account> {
  if (userInfo().uid !== 0) return ownAccount()
  const entry = await promisify(execFile)('getent', ['passwd', unprivileged]).catch(
    (cause: unknown) => {
      throw new DemoError(
        'ERR_ACCOUNT',
        `expected an account ${unprivileged} to run programs as, because PostgreSQL refuses to run as root`,
        { cause },
      )
    },
  )
  const [name, , uid, gid] = entry.stdout.trim().split(':')
  if (name === undefined || !Number(uid) || !Number(gid)) {
    throw new DemoError('ERR_ACCOUNT', `expected an unprivileged account ${unprivileged}`)
  }
  return { name, switchTo: { uid: Number(uid), gid: Number(gid) } }
}
