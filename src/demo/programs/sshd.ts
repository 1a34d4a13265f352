import { chown, copyFile, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { HostPort } from '../../base/env.ts'
import { DemoError } from '../demo-error.ts'
import { until } from '../waiting.ts'
import { runProgram, type Command } from '../run-program.ts'
import type { RunningProcess } from '../supervisor.ts'
import type { ProgramContext } from './program-context.ts'

/** What a client needs to log in: made for this run, gone with it. */
export interface SshLogin {
  readonly user: string
  readonly identityFile: string
  readonly knownHostsFile: string
}

/** The name under which the host key is known, whatever address it is reached at. */
const hostAlias = 'bastion'

/** OpenSSH at `listen`: keys of this run, no PAM, no privilege; only the program account may log in. */
export async function startSshd(
  context: ProgramContext,
  listen: HostPort,
  clientDirectory: string,
): Promise<{ readonly running: RunningProcess; readonly login: SshLogin }> {
  const directory = await context.directory('sshd')
  const login = await createKeys(context, directory, clientDirectory)
  const file = join(directory, 'sshd_config')
  await writeFile(file, configuration(directory, listen, login.user))
  await handOver(context, file)
  const running = await context.supervisor.start({
    name: 'sshd',
    machine: context.machine,
    command: context.programs.sshd,
    args: ['-D', '-e', '-f', file],
    account: context.account,
    cwd: directory,
  })
  await context.supervisor.ready(running, async (signal) => {
    await until('sshd to answer', { signal, withinMs: 30_000 }, async () => {
      const { code } = await runProgram(ssh(context, login, listen, 'true'), { ...context, signal })
      return code === 0 ? true : undefined
    })
  })
  return { running, login }
}

async function createKeys(
  context: ProgramContext,
  directory: string,
  clientDirectory: string,
): Promise<SshLogin> {
  const hostKey = join(directory, 'host-key')
  const login = {
    user: context.account.name,
    identityFile: join(clientDirectory, 'ssh-key'),
    knownHostsFile: join(clientDirectory, 'known-hosts'),
  }
  await createKey(context, hostKey)
  await createKey(context, login.identityFile)
  await copyFile(`${login.identityFile}.pub`, join(directory, 'authorized-keys'))
  await writeFile(login.knownHostsFile, `${hostAlias} ${await readFile(`${hostKey}.pub`, 'utf8')}`)
  await handOver(context, hostKey)
  await handOver(context, login.identityFile)
  await handOver(context, join(directory, 'authorized-keys'))
  return login
}

async function createKey(context: ProgramContext, file: string): Promise<void> {
  const command = context.programs['ssh-keygen']
  const args = ['-q', '-t', 'ed25519', '-N', '', '-C', 'blazon-demo', '-f', file]
  const { code, stderr } = await runProgram({ command, args }, context)
  if (code !== 0) throw new DemoError('ERR_START', `ssh-keygen failed: ${stderr}`)
}

async function handOver({ account }: ProgramContext, file: string): Promise<void> {
  if (account.switchTo !== undefined) await chown(file, account.switchTo.uid, account.switchTo.gid)
}

function configuration(directory: string, listen: HostPort, user: string): string {
  return `ListenAddress ${listen.host}
Port ${String(listen.port)}
HostKey ${directory}/host-key
AuthorizedKeysFile ${directory}/authorized-keys
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
AllowUsers ${user}
AllowTcpForwarding no
PrintMotd no
PrintLastLog no
`
}

/** How `ssh` is run for one command; no file of the caller's own is read. */
export function ssh(
  context: Pick<ProgramContext, 'programs'>,
  login: SshLogin,
  server: HostPort,
  command: string,
): Command {
  return { command: context.programs.ssh, args: [...sshArguments(login, server), command] }
}

export function sshArguments(login: SshLogin, server: HostPort): string[] {
  const options = [
    'BatchMode=yes',
    'ConnectTimeout=10',
    'IdentitiesOnly=yes',
    'StrictHostKeyChecking=yes',
    'LogLevel=ERROR',
    `HostKeyAlias=${hostAlias}`,
    `UserKnownHostsFile=${login.knownHostsFile}`,
    'GlobalKnownHostsFile=none',
  ].flatMap((option) => ['-o', option])
  const where = ['-p', String(server.port), `${login.user}@${server.host}`]
  return ['-F', 'none', '-i', login.identityFile, ...options, ...where]
}
