import { readFile } from 'node:fs/promises'
import { codeOf, messageOf } from '../base/errors.ts'
import { sidecarId } from '../base/sidecar-account.ts'
import type { CaptureConfig, RedirectConfig } from './capture-config.ts'
import { areRulesLoaded } from './capture-rules.ts'
import { threadsInNamespace, type SeenThread } from './namespace-threads.ts'
import { waysAround, type ThreadPrivileges } from './thread-privileges.ts'

/**
 * Whether the workload has no way around its sidecar, as far as can be seen from here; what cannot be
 * seen is `weak`.
 */
export type CaptureStrength =
  { readonly value: 'strong' } | { readonly value: 'weak'; readonly because: string }

/** The attribute that says so. */
export const captureStrengthKey = 'capture.strength'

/** Where it is looked. */
export interface CaptureView {
  /** A procfs. */
  readonly proc: string
  areRulesLoaded(): Promise<boolean>
}

/**
 * Looks whether the rules are in force, and at every process in this network namespace but the sidecar: none may
 * pass for it, have a socket that goes past the rules, or a capability by which it could send past them, change
 * them or become the sidecar. The workload's may not be able to get one either, by a program that they execute.
 */
export async function readCaptureStrength(
  capture: CaptureConfig,
  view: CaptureView = { proc: '/proc', areRulesLoaded },
): Promise<CaptureStrength> {
  if (capture.kind === 'explicit') return weak('nothing keeps a program to its listeners')
  try {
    const because = await findWayAround(capture, view)
    return because === undefined ? { value: 'strong' } : weak(because)
  } catch (error: unknown) {
    return weak(`the processes here cannot be read: ${messageOf(error)}`)
  }
}

function weak(because: string): CaptureStrength {
  return { value: 'weak', because }
}

async function findWayAround(
  config: RedirectConfig,
  view: CaptureView,
): Promise<string | undefined> {
  const { proc } = view
  if (!(await view.areRulesLoaded())) return 'the rules of blazon intercept are not loaded here'
  for (const family of ['packet', 'raw', 'raw6']) {
    if (await hasSockets(`${proc}/self/net/${family}`)) return `a program has a ${family} socket`
  }
  const threads = await threadsInNamespace(proc)
  const because = threads.map((thread) => wayOf(thread, config)).find((way) => way !== undefined)
  if (because !== undefined) return because
  return threads.some(({ privileges }) => isOfWorkload(privileges, config))
    ? undefined
    : 'no process of the workload can be seen'
}

function wayOf({ pid, privileges }: SeenThread, config: RedirectConfig): string | undefined {
  const { parent, uids, gids, held, gainable } = privileges
  const isOfSidecar = parent === process.pid || isLauncher(pid)
  if ([...uids, ...gids].includes(sidecarId) && !isOfSidecar) {
    return `process ${pid} has the uid or gid of sidecars`
  }
  // Other programs are refused connections, so that for them only what they hold matters; root gets more at will.
  const canReach = isOfWorkload(privileges, config) || uids.includes(0)
  const ways = waysAround(canReach ? held | gainable : held)
  return ways.length === 0 ? undefined : `process ${pid} has or can get ${ways.join(', ')}`
}

function isOfWorkload({ uids }: ThreadPrivileges, { workloadUid }: RedirectConfig): boolean {
  return workloadUid === undefined ? !uids.includes(sidecarId) : uids.includes(workloadUid)
}

/** What started this process, as `blazon` does under an older Node. Whose parent is gone gets process 1 for one. */
function isLauncher(pid: string): boolean {
  return process.ppid > 1 && pid === String(process.ppid)
}

/** Whether a list of sockets of the kernel's has a line below its head. It is absent where the kernel has no such sockets. */
async function hasSockets(file: string): Promise<boolean> {
  try {
    return (await readFile(file, 'utf8')).trimEnd().includes('\n')
  } catch (error: unknown) {
    if (codeOf(error) === 'ENOENT') return false
    throw error
  }
}
