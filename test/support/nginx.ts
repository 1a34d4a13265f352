import { chown, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { workloadId } from './captured-mesh.ts'
import type { Machine } from './network.ts'
import { findPrograms } from './programs.ts'

/** Where nginx listens as a balancer, and the servers behind it. */
export const nginxPorts = { balancer: 8080, backend: 9090 } as const

export interface NginxOptions {
  readonly machine: Machine
  readonly backends: readonly Machine[]
  /** Its own; it is made. */
  readonly directory: string
  /** What the access log has of a request. */
  readonly logged: string
  /** `proxy_set_header` of the requests that it passes on. */
  readonly headers: readonly string[]
  readonly keptConnections: number
}

/** Starts nginx as an ordinary balancer, under the account of the workloads; it ends with its machine. */
export async function startNginx(options: NginxOptions): Promise<{ log(): Promise<string[]> }> {
  const { machine, directory } = options
  const { nginx } = await findPrograms('nginx')
  await mkdir(directory)
  const file = join(directory, 'nginx.conf')
  await writeFile(file, configuration(options))
  for (const path of [directory, file]) await chown(path, workloadId, workloadId)
  machine.start([nginx, '-e', 'stderr', '-p', directory, '-c', file], { as: workloadId })
  const log = async (): Promise<string[]> =>
    (await readFile(join(directory, 'access.log'), 'utf8')).split('\n').filter(Boolean)
  return { log }
}

function configuration({
  directory,
  backends,
  logged,
  headers,
  keptConnections,
}: NginxOptions): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  const pair = (host: string): string => `${host}:${String(nginxPorts.backend)}`
  // One process, so that nothing of it is left when that is killed.
  return `daemon off;
master_process off;
pid ${directory}/nginx.pid;
events {}
http {
  ${temporary.map((kind) => `${kind}_temp_path ${directory};`).join('\n  ')}
  client_max_body_size 16m;
  log_format seen '${logged}';
  access_log ${directory}/access.log seen;
  upstream backends {
    ${backends.map(({ v4 }) => `server ${pair(v4)};`).join('\n    ')}
    keepalive ${String(keptConnections)};
  }
  server {
    listen ${String(nginxPorts.balancer)};
    location / {
      proxy_pass http://backends;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      ${headers.map((header) => `proxy_set_header ${header};`).join('\n      ')}
    }
  }
}
`
}
