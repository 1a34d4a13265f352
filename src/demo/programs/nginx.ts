import { chown, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { formatHostPort, type HostPort } from '../../base/env.ts'
import { until } from '../waiting.ts'
import { runProgram, type Command } from '../run-program.ts'
import type { RunningProcess } from '../supervisor.ts'
import type { ProgramContext } from './program-context.ts'

/** nginx at `listen`, which answers every request with `body`. */
export async function startNginx(
  context: ProgramContext,
  listen: HostPort,
  body: string,
): Promise<RunningProcess> {
  const directory = await context.directory('nginx')
  const file = join(directory, 'nginx.conf')
  await writeFile(file, configuration(directory, listen, body))
  const { switchTo } = context.account
  if (switchTo !== undefined) await chown(file, switchTo.uid, switchTo.gid)
  const running = await context.supervisor.start({
    name: 'nginx',
    machine: context.machine,
    command: context.programs.nginx,
    args: ['-e', 'stderr', '-p', directory, '-c', file],
    account: context.account,
    cwd: directory,
  })
  await context.supervisor.ready(running, async (signal) => {
    await until('nginx to answer', { signal, withinMs: 30_000 }, async () => {
      const { code } = await runProgram(curl(context, listen, '/'), { ...context, signal })
      return code === 0 ? true : undefined
    })
  })
  return running
}

function configuration(directory: string, listen: HostPort, body: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((kind) => `  ${kind}_temp_path ${directory};`)
    .join('\n')
  return `daemon off;
worker_processes 1;
pid ${directory}/nginx.pid;
events {}
http {
${temporary}
  access_log off;
  server {
    listen ${formatHostPort(listen)};
    default_type text/plain;
    location / { return 200 ${JSON.stringify(`${body}\n`)}; }
  }
}
`
}

/** How `curl` is run for one request; fails on an HTTP error. */
export function curl(
  context: Pick<ProgramContext, 'programs'>,
  server: HostPort,
  path: string,
): Command {
  return {
    command: context.programs.curl,
    args: ['-q', '-sS', '-f', '--max-time', '10', `http://${formatHostPort(server)}${path}`],
  }
}

/** How `curl` is run to post a form; prints the answer's body and its status, whatever that is. */
export function poster(
  context: Pick<ProgramContext, 'programs'>,
  server: HostPort,
  path: string,
): Command {
  const options = ['-q', '-sS', '--max-time', '10', '--data', 'a=b', '-w', '%{http_code}']
  return {
    command: context.programs.curl,
    args: [...options, `http://${formatHostPort(server)}${path}`],
  }
}
