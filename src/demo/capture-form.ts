import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { codeOf, messageOf } from '../base/errors.ts'
import { sidecarId } from '../base/sidecar-account.ts'
import type { DemoCapture } from '../cli/host.ts'
import { blazonProgram } from './blazon-program.ts'
import { DemoError } from './demo-error.ts'
import { programEnvironment } from './environment.ts'
import { ensurePrograms, networkProgramNames, type NetworkPrograms } from './programs/installed.ts'

/** How connections reach the sidecars of the demonstration, and why so. */
export type CaptureForm =
  | { readonly kind: 'explicit'; readonly why: string }
  | { readonly kind: 'redirect'; readonly why: string; readonly programs: NetworkPrograms }

/**
 * Redirection where this machine allows it and `wanted` does not say otherwise. Throws `ERR_CAPTURE`
 * where redirection is wanted and cannot be had.
 */
export async function chooseForm(
  wanted: DemoCapture | undefined,
  signal: AbortSignal,
): Promise<CaptureForm> {
  if (wanted === 'explicit') return { kind: 'explicit', why: 'as --capture says' }
  const found = await tryRedirect(signal)
  if (typeof found !== 'string') return { kind: 'redirect', why: whyRedirect, programs: found }
  if (wanted === undefined)
    return { kind: 'explicit', why: `redirection is not possible: ${found}` }
  throw new DemoError('ERR_CAPTURE', `connections cannot be redirected here: ${found}`)
}

const whyRedirect = 'this is root, and network namespaces and nftables work'

/** What redirection needs, or why it is not possible here. */
async function tryRedirect(signal: AbortSignal): Promise<NetworkPrograms | string> {
  if (process.platform !== 'linux') return 'this is not Linux'
  if (process.getuid?.() !== 0) return 'this is not root'
  let programs: NetworkPrograms
  try {
    programs = await ensurePrograms(networkProgramNames, signal)
  } catch (error: unknown) {
    signal.throwIfAborted()
    return messageOf(error)
  }
  const unloaded = await failureOf(loadRules(programs), signal)
  if (unloaded !== undefined) return unloaded
  const unread = await failureOf(runAsSidecar(programs), signal)
  if (unread === undefined) return programs
  // What Node says first of it is a place in its own code.
  return `sidecars run as ${String(sidecarId)}, who cannot run ${process.execPath} and ${blazonProgram}`
}

type Words = readonly [string, ...string[]]

/** Does in a network namespace that goes with the command all that the demonstration does in its own. */
function loadRules({ unshare, ip }: NetworkPrograms): Words {
  const links = [
    'link set lo up',
    'link add bridge0 type bridge forward_delay 0',
    'link add port0 type veth peer name eth0',
  ]
  const script = `${links.map((words) => `"$0" ${words}`).join(' && ')} && exec "$@"`
  const intercept = [process.execPath, blazonProgram, 'intercept', '--resolvers', '192.0.2.1']
  return [unshare, '--net', 'sh', '-c', script, ip, ...intercept]
}

/** Its account has to be able to read the program, which a checkout in a private home keeps from it. */
function runAsSidecar({ setpriv }: NetworkPrograms): Words {
  const id = String(sidecarId)
  const account = ['--reuid', id, '--regid', id, '--clear-groups', '--bounding-set=-all']
  return [setpriv, ...account, process.execPath, blazonProgram, '--version']
}

/** The first line that a command complains with; undefined where it succeeds. */
async function failureOf(
  [command, ...args]: Words,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    await promisify(execFile)(command, args, {
      env: { ...programEnvironment, HOME: '/nonexistent' },
      cwd: '/',
      timeout: 30_000,
      killSignal: 'SIGKILL',
      signal,
    })
    return undefined
  } catch (error: unknown) {
    signal.throwIfAborted()
    const stderr = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : ''
    const [first = ''] = stderr.split('\n')
    return first === '' ? `${command} failed (${codeOf(error) ?? messageOf(error)})` : first
  }
}
