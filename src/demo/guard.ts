import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { factsOf } from './process-tree.ts'

/** Remembers what has to go if this process dies without warning. */
export interface Guard extends AsyncDisposable {
  watch(pid: number, signal: NodeJS.Signals): void
  forget(pid: number): void
}

const program = fileURLToPath(new URL('./guard-process.ts', import.meta.url))

/**
 * Starts the guard: a process in a session of its own, so that neither Ctrl-C nor the end of the
 * terminal reaches it. It acts when its stdin ends, which the kernel sees to, however we die.
 */
export async function startGuard(directory: string): Promise<Guard> {
  const child = spawn(process.execPath, [program], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  await once(child, 'spawn')
  // A guard that was killed must not take the demonstration with it.
  child.stdin.on('error', () => undefined)
  const say = (line: string): void => void child.stdin.write(`${line}\n`)
  say(`directory ${directory}`)
  return {
    watch: (pid, signal) => {
      const facts = factsOf(pid)
      if (facts !== undefined) say(`+ ${String(pid)} ${facts.startTime} ${signal}`)
    },
    forget: (pid) => say(`- ${String(pid)}`),
    [Symbol.asyncDispose]: async () => {
      child.stdin.end('done\n')
      await exited
    },
  }
}
