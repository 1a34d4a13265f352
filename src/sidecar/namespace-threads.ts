import { readdir, readFile, stat } from 'node:fs/promises'
import { codeOf } from '../base/errors.ts'
import { parseThreadStatus, type ThreadPrivileges } from './thread-privileges.ts'

/** A thread that runs in this network namespace. */
export interface SeenThread {
  readonly pid: string
  readonly privileges: ThreadPrivileges
}

const mostProcesses = 16_384
const mostThreads = 16_384
const mostRounds = 16

/**
 * Every thread in the network namespace of this process but its own, as far as `proc` (a procfs) shows them.
 * Threads each have privileges and a namespace of their own, and outlive the first of their process. Throws where
 * there are too many, or one is always gone before it is read: that is how a process would hide, by handing
 * on to a child again and again.
 */
export async function threadsInNamespace(proc: string): Promise<readonly SeenThread[]> {
  const here = await namespaceOf(`${proc}/self`)
  if (here === undefined) throw new Error(`expected a procfs at ${proc}`)
  const seen: SeenThread[] = []
  let threadsLeft = mostThreads

  const readThread = async (pid: string, tid: string): Promise<boolean> => {
    if (--threadsLeft < 0) throw new Error(`there are more than ${String(mostThreads)} threads`)
    const thread = `${proc}/${pid}/task/${tid}`
    const namespace = await namespaceOf(thread)
    if (namespace !== undefined && namespace !== here) return true
    const text = await unlessGone(async () => await readFile(`${thread}/status`, 'utf8'))
    if (text === undefined) return false
    const privileges = parseThreadStatus(text)
    if (privileges.isDead) return true
    if (namespace === undefined) return false
    seen.push({ pid, privileges })
    return true
  }
  const readProcess = async (pid: string): Promise<boolean> =>
    await readAll(
      async () => await unlessGone(async () => await readdir(`${proc}/${pid}/task`)),
      async (tid) => await readThread(pid, tid),
    )

  const isComplete = await readAll(async () => await processesOf(proc), readProcess)
  if (!isComplete) throw new Error('some come and go faster than they are read')
  return seen
}

/**
 * Reads what a list names until nothing in it was gone before it was read; says whether that happened. What
 * was read once need not be again: who has no privileges cannot hand on any.
 */
async function readAll(
  list: () => Promise<readonly string[] | undefined>,
  read: (name: string) => Promise<boolean>,
): Promise<boolean> {
  const known = new Set<string>()
  for (let round = 0; round < mostRounds; round += 1) {
    const names = await list()
    if (names === undefined) return false
    let missed = 0
    for (const name of names.filter((name) => !known.has(name))) {
      if (await read(name)) known.add(name)
      else missed += 1
    }
    if (missed === 0) return true
  }
  return false
}

async function processesOf(proc: string): Promise<string[]> {
  const found = (await readdir(proc)).filter((name) => /^[1-9]\d*$/.test(name))
  if (found.length > mostProcesses) {
    throw new Error(`there are more than ${String(mostProcesses)} processes`)
  }
  return found.filter((pid) => pid !== String(process.pid))
}

/**
 * A number that threads of one network namespace share, and only they; undefined for one that is gone or
 * dead. Its link in `ns` would say the same, but only to who may trace the process.
 */
async function namespaceOf(thread: string): Promise<number | undefined> {
  return await unlessGone(async () => (await stat(`${thread}/net/dev`)).ino)
}

async function unlessGone<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read()
  } catch (error: unknown) {
    const code = codeOf(error)
    if (code === 'ENOENT' || code === 'ESRCH' || code === 'EINVAL') return undefined
    throw error
  }
}
