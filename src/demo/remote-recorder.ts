import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { formatHostPort, type HostPort } from '../base/env.ts'
import { DemoError } from './demo-error.ts'
import type { ProgramContext } from './programs/program-context.ts'
import type { Recorded, Tap } from './recorder.ts'
import { within } from './waiting.ts'

const program = fileURLToPath(new URL('./recorder-process.ts', import.meta.url))
const answerMs = 15_000

/** A recorder on the machine of the context, which a process of ours asks what it has recorded. */
export async function startTap(
  context: Pick<ProgramContext, 'machine' | 'supervisor'>,
  name: string,
  { listen, to }: { readonly listen: HostPort; readonly to: HostPort },
): Promise<Tap> {
  const running = await context.supervisor.open({
    name: `recorder-${name}`,
    command: process.execPath,
    args: [program, formatHostPort(listen), formatHostPort(to)],
    machine: context.machine,
  })
  const { stdin, stdout } = running.child
  if (stdin === null || stdout === null) throw new Error('BUG: a recorder without pipes')
  stdin.on('error', () => undefined) // it has ended: the next line does not come
  const lines = createInterface({ input: stdout })[Symbol.asyncIterator]()
  // Lines come in the order in which they were asked for.
  const nextLine = async (): Promise<string> => {
    const next = await within(`the recorder of ${name}`, answerMs, lines.next())
    if (next.done !== true) return next.value
    throw new DemoError('ERR_EXIT', `the recorder of ${name} ended: ${await running.ended}`)
  }
  await nextLine()
  return {
    address: listen,
    recorded: async (marker = '') => {
      stdin.write(`${JSON.stringify(marker)}\n`)
      return JSON.parse(await nextLine()) as Recorded
    },
    [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
  }
}
