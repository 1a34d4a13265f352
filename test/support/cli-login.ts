import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { formatHostPort } from '../../src/base/env.ts'
import { runBlazon, type CliRun } from './cli-run.ts'
import type { TestController } from './test-controller.ts'

/** The command line of somebody who has logged in to a real controller. */
export interface LoggedIn extends AsyncDisposable {
  readonly directory: string
  readonly contextFile: string
  run(...words: readonly string[]): Promise<CliRun>
  /** Runs a command that has to succeed, and reads its JSON. */
  json(...words: readonly string[]): Promise<never>
}

/** Becomes the first administrator with `blazon login`: nobody may have done so before. */
export async function logIn({ controller }: TestController): Promise<LoggedIn> {
  const directory = await mkdtemp(join(tmpdir(), 'blazon-cli-'))
  const contextFile = join(directory, 'context.json')
  const run = (...words: readonly string[]): Promise<CliRun> => runBlazon(words, { contextFile })
  const login = await run(
    ...['login', '--controller', formatHostPort(controller.address)],
    ...['--bundle', controller.bundleFile, '--secret-file', controller.secretFile ?? ''],
  )
  if (login.code !== 0) throw new Error(login.stderr)
  return {
    directory,
    contextFile,
    run,
    json: async (...words) => {
      const { code, stdout, stderr } = await run(...words, '-o', 'json')
      if (code !== 0) throw new Error(stderr)
      return JSON.parse(stdout) as never
    },
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  }
}
