import { blazonProgram } from '../blazon-program.ts'
import { demand } from '../report.ts'
import { runProgram } from '../run-program.ts'
import { looking } from '../what-to-try.ts'
import type { Act, World } from '../world.ts'

const prefix = 'npx blazon '

/** The commands of the administrator, which a reader is told to try, work as they are written. */
export const commands: Act = async (world, report) => {
  report.heading('Commands: what an administrator sees')
  for (const [, ...lines] of looking) {
    for (const line of lines) await report.check(line, () => runLine(world, line))
  }
}

async function runLine({ backstage, contextFile }: World, line: string): Promise<string> {
  demand(line.startsWith(prefix), `expected a command that starts with ${prefix}`)
  const { code, stdout, stderr } = await runProgram(
    {
      command: process.execPath,
      args: [blazonProgram, ...line.slice(prefix.length).split(' ')],
      environment: { HOME: backstage.files.path, BLAZON_CONTEXT: contextFile },
    },
    backstage,
  )
  demand(code === 0, `exit code ${String(code)}: ${stderr.trim()}`)
  const lines = stdout.trim().split('\n')
  demand(lines[0] !== '', 'it printed nothing')
  return `${String(lines.length)} lines`
}
