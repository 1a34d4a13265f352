/** A demonstration that starts one family of processes, says so, and waits to be killed. */
import { createDemoDirectory } from '../../src/demo/directory.ts'
import { startGuard } from '../../src/demo/guard.ts'
import { createSupervisor } from '../../src/demo/supervisor.ts'
import { until } from '../../src/demo/waiting.ts'
import { descendantsOf } from '../../src/demo/process-tree.ts'

const { signal } = new AbortController()
const files = await createDemoDirectory()
const guard = await startGuard(files.path)
const supervisor = createSupervisor({ logs: await files.make('logs'), guard, signal })
// The grandchild leaves its group and session, as a database backend does.
const running = await supervisor.start({
  name: 'family',
  command: '/bin/sh',
  args: ['-c', 'setsid sleep 600 & trap "" TERM; wait; sleep 600'],
})
const family = await until('the grandchild', { signal, withinMs: 5_000 }, async () => {
  const found = descendantsOf(running.pid)
  return found.length > 0 ? [running.pid, ...found.map(({ pid }) => pid)] : undefined
})
process.stdout.write(`${JSON.stringify({ directory: files.path, family })}\n`)
setInterval(() => undefined, 60_000)
