import { readlink } from 'node:fs/promises'
import { sidecarId } from '../base/sidecar-account.ts'
import { enterNewNetwork, loadLibc } from '../sys/index.ts'
import { statusPort, workloadNames, type WorkloadName } from './cast.ts'
import type { Account } from './account.ts'
import { blazonProgram } from './blazon-program.ts'
import { DemoError } from './demo-error.ts'
import type { Guard } from './guard.ts'
import { addressOf, hubAddress, hubNetworks, linkLocal, prefixLength } from './machine-addresses.ts'
import type { Machine } from './machine.ts'
import type { NetworkPrograms } from './programs/installed.ts'
import { runProgram } from './run-program.ts'
import type { RunningProcess, Supervisor } from './supervisor.ts'
import { together, until } from './waiting.ts'

/** A machine of the demonstration's own: a network namespace, which a process holds. */
export interface OwnMachine extends Machine {
  /** Its end does not end the namespace, but nobody finds it any more. */
  readonly holder: RunningProcess
}

interface Tools {
  readonly programs: NetworkPrograms
  readonly supervisor: Supervisor
  readonly guard: Guard
  readonly signal: AbortSignal
}

/** Who the sidecar of such a machine runs as: by this the rules know it. */
export const sidecarAccount: Account = {
  name: String(sidecarId),
  switchTo: { uid: sidecarId, gid: sidecarId },
}

/**
 * Moves this process into a network namespace of its own, and makes a machine for every workload on
 * one network with it, with rules that capture all connections. Nothing of the network outside is
 * touched, and the kernel takes everything away when the last process in it has ended.
 */
export async function makeMachines(
  tools: Tools,
  account: Account,
): Promise<ReadonlyMap<WorkloadName, OwnMachine>> {
  enterNewNetwork(await loadLibc())
  const { ip } = tools.programs
  for (const words of hubCommands) await run(tools, ip, words.split(' '))
  const made = workloadNames.map(async (name, index) => {
    const machine = await makeMachine(tools, name, `port${String(index)}`, account)
    return [name, machine] as const
  })
  return new Map(await together(...made))
}

const hubCommands = [
  'link set lo up',
  'link add bridge0 type bridge forward_delay 0',
  `addr add ${hubAddress}/${prefixLength} dev bridge0`,
  'link set bridge0 up',
  // Every address of these ranges is one of ours.
  ...hubNetworks.map((network) => `route add local ${network} dev bridge0`),
]

async function makeMachine(
  tools: Tools,
  name: WorkloadName,
  port: string,
  account: Account,
): Promise<OwnMachine> {
  const { ip, nsenter } = tools.programs
  const holder = await hold(tools, name)
  const pid = String(holder.pid)
  const enter = [`--net=/proc/${pid}/ns/net`]
  const link = ['type', 'veth', 'peer', 'name', 'eth0', 'netns', pid]
  await run(tools, ip, ['link', 'add', port, ...link])
  await run(tools, ip, ['link', 'set', port, 'master', 'bridge0', 'up'])
  for (const words of [
    'link set lo up',
    `addr add ${addressOf(name)}/${prefixLength} dev eth0`,
    'link set eth0 up',
    `route add ${linkLocal} dev eth0`,
  ]) {
    await run(tools, nsenter, [...enter, ip, ...words.split(' ')])
  }
  // The sidecars say on this port that they are ready; nobody resolves names here.
  const options = ['--resolvers', hubAddress, '--exclude-ports', String(statusPort)]
  const intercept = [process.execPath, blazonProgram, 'intercept', ...options]
  await run(tools, nsenter, [...enter, ...intercept])
  return { holder, launch: launcher(tools.programs, enter, account) }
}

/** Starts the process by which a namespace is found, and waits until it is in it. */
async function hold(
  { programs, supervisor, signal }: Tools,
  name: WorkloadName,
): Promise<RunningProcess> {
  const holder = await supervisor.start({
    name: `machine-${name}`,
    command: programs.unshare,
    args: ['--net', programs.sleep, 'infinity'],
  })
  const ours = await readlink('/proc/self/ns/net')
  await until(`the network of ${name}`, { signal, withinMs: 10_000, everyMs: 5 }, async () => {
    const its = await readlink(`/proc/${String(holder.pid)}/ns/net`)
    return its === ours ? undefined : true
  })
  return holder
}

/** Without any capability: a workload that had them could remove the rules, or send past them. */
function launcher(
  { nsenter, setpriv }: NetworkPrograms,
  enter: readonly string[],
  usual: Account,
): Machine['launch'] {
  return (command, args, account = usual) => {
    const { uid, gid } = account.switchTo ?? { uid: process.getuid?.(), gid: process.getgid?.() }
    const as = ['--reuid', String(uid), '--regid', String(gid), '--clear-groups']
    const privileges = ['--inh-caps=-all', '--bounding-set=-all', '--no-new-privs']
    return {
      command: nsenter,
      args: [...enter, setpriv, ...as, ...privileges, command, ...args],
      switchTo: undefined,
    }
  }
}

async function run(
  { guard, signal }: Tools,
  command: string,
  args: readonly string[],
): Promise<void> {
  const { code, stderr } = await runProgram({ command, args, timeoutMs: 30_000 }, { guard, signal })
  if (code !== 0) {
    throw new DemoError('ERR_CAPTURE', `${command} ${args.join(' ')} failed: ${stderr.trim()}`)
  }
}
