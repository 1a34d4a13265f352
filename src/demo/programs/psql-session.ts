import { createInterface } from 'node:readline'
import type { HostPort } from '../../base/env.ts'
import { DemoError } from '../demo-error.ts'
import { within } from '../waiting.ts'
import type { PipedProcess } from '../supervisor.ts'
import { psqlArguments } from './postgres.ts'
import type { ProgramContext } from './program-context.ts'

/** One psql that stays connected, as a person at a prompt would be. */
export interface PsqlSession extends AsyncDisposable {
  /** Runs one statement on the open connection; throws ERR_EXIT when psql ends instead of answering. */
  query(statement: string): Promise<string>
  /** Resolves with how psql ended. */
  readonly ended: Promise<string>
}

const answerMs = 15_000

export async function openPsql(
  context: ProgramContext,
  server: HostPort,
  name: string,
): Promise<PsqlSession> {
  const process = await context.supervisor.open({
    name,
    machine: context.machine,
    command: context.programs.psql,
    args: psqlArguments(server),
    environment: { PGSSLMODE: 'disable', PGCONNECT_TIMEOUT: '10' },
  })
  const answers = readAnswers(process)
  let queries = 0
  return {
    ended: process.ended,
    query: async (statement) => {
      const mark = `-- end of answer ${String(++queries)}`
      process.child.stdin?.write(`${statement};\n\\echo '${mark}'\n`)
      return answers.until(mark)
    },
    [Symbol.asyncDispose]: () => process[Symbol.asyncDispose](),
  }
}

interface Answers {
  until(mark: string): Promise<string>
}

function readAnswers(process: PipedProcess): Answers {
  const { stdin, stdout } = process.child
  if (stdin === null || stdout === null) throw new Error('BUG: psql without pipes')
  stdin.on('error', () => undefined) // psql has ended: `ended` says so
  let lines: string[] = []
  let waiting: { mark: string; resolve: (answer: string) => void } | undefined
  createInterface({ input: stdout }).on('line', (line) => {
    if (line !== waiting?.mark) lines.push(line)
    else {
      waiting.resolve(lines.join('\n'))
      lines = []
    }
  })
  return {
    until: async (mark) => {
      const answer = new Promise<string>((resolve) => (waiting = { mark, resolve }))
      const end = process.ended.then((how) => {
        throw new DemoError('ERR_EXIT', `psql ended instead of answering: ${how}`)
      })
      try {
        return await within('an answer of psql', answerMs, Promise.race([answer, end]))
      } finally {
        end.catch(() => undefined) // its end, later on, is nobody's failed query
      }
    },
  }
}
