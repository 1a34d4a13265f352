import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { PeerCertificates } from './certificates.ts'
import { serverName } from './certificates.ts'
import {
  freePorts,
  startPair,
  type CommandLine,
  type Contender,
  type PairWish,
  type Probe,
} from './pair.ts'

/** What the configuration of one pair depends on. */
export interface Wiring extends PairWish {
  readonly certificates: PeerCertificates
  /** Where the client's end listens, and where the server's end does. */
  readonly entrance: number
  readonly tunnel: number
}

export interface PeerOptions {
  /** Processes or threads of each end, of those that can have more than one; one, if not given. */
  readonly workers?: number
  readonly certificates: PeerCertificates
  /** Absolute paths; without one, the proxy does not take part. */
  readonly programs: Readonly<
    Partial<Record<'nginx' | 'haproxy' | 'stunnel' | 'ghostunnel', string>>
  >
}

/** Another proxy, whose two ends get ports of their own at every start. */
export function peerContender(peer: {
  readonly name: string
  readonly certificates: PeerCertificates
  readonly ends: (wiring: Wiring) => readonly CommandLine[]
  readonly probe?: Probe
}): Contender {
  const { name, certificates, ends, probe } = peer
  return {
    name,
    start: async (wish) => {
      const [entrance = 0, tunnel = 0] = await freePorts(2)
      const wiring = { ...wish, certificates, entrance, tunnel }
      return startPair(wish.directory, entrance, ends(wiring), probe)
    },
  }
}

/** The other proxies: TLS 1.3 with certificates both ways, sessions resumed where they can. */
export function peers({ certificates, programs, workers = 1 }: PeerOptions): Contender[] {
  const contender = (name: string, ends: (wiring: Wiring) => readonly CommandLine[]): Contender =>
    peerContender({ name, certificates, ends })
  const { nginx, haproxy, stunnel, ghostunnel } = programs
  return [
    ...(nginx === undefined
      ? []
      : [
          contender('nginx, 64k', (wiring) => nginxEnds(nginx, workers, '64k', wiring)),
          contender('nginx, 256k', (wiring) => nginxEnds(nginx, workers, '256k', wiring)),
        ]),
    ...(haproxy === undefined
      ? []
      : [contender('haproxy', (wiring) => haproxyEnds(haproxy, workers, wiring))]),
    ...(stunnel === undefined
      ? []
      : [contender('stunnel', (wiring) => stunnelEnds(stunnel, wiring))]),
    ...(ghostunnel === undefined
      ? []
      : [contender('ghostunnel', (wiring) => ghostunnelEnds(ghostunnel, wiring))]),
  ]
}

function nginxEnds(
  program: string,
  workers: number,
  buffer: string,
  wiring: Wiring,
): CommandLine[] {
  const { directory, backend, entrance, tunnel, certificates } = wiring
  const { root, client, server } = certificates
  const end = (name: string, settings: string): CommandLine => {
    const file = join(directory, `${name}.conf`)
    const text = `load_module /usr/lib/nginx/modules/ngx_stream_module.so;
user root; daemon off; worker_processes ${String(workers)}; pid ${directory}/${name}.pid; error_log ${directory}/${name}.log error;
events { worker_connections 19900; }
stream {
  tcp_nodelay on; proxy_half_close on; proxy_buffer_size ${buffer};
  server { ${settings} }
}
`
    writeFileSync(file, text)
    return {
      command: program,
      args: ['-c', file, '-p', directory, '-e', `${directory}/${name}.log`],
    }
  }
  return [
    end(
      'server',
      `listen 127.0.0.1:${String(tunnel)} ssl reuseport backlog=4096; proxy_pass 127.0.0.1:${String(backend)};
    ssl_certificate ${server.chain}; ssl_certificate_key ${server.key}; ssl_protocols TLSv1.3;
    ssl_verify_client on; ssl_verify_depth 2; ssl_client_certificate ${root};
    ssl_session_tickets on; ssl_session_cache shared:sessions:4m;`,
    ),
    end(
      'client',
      `listen 127.0.0.1:${String(entrance)} reuseport backlog=4096; proxy_pass 127.0.0.1:${String(tunnel)};
    proxy_ssl on; proxy_ssl_certificate ${client.chain}; proxy_ssl_certificate_key ${client.key};
    proxy_ssl_protocols TLSv1.3; proxy_ssl_verify on; proxy_ssl_verify_depth 2;
    proxy_ssl_trusted_certificate ${root}; proxy_ssl_name ${serverName}; proxy_ssl_session_reuse on;`,
    ),
  ]
}

function haproxyEnds(program: string, workers: number, wiring: Wiring): CommandLine[] {
  const { directory, backend, entrance, tunnel, certificates } = wiring
  const { root, client, server } = certificates
  const end = (
    name: string,
    listen: number,
    bind: string,
    to: number,
    tls: string,
  ): CommandLine => {
    const file = join(directory, `${name}.cfg`)
    const text = `global
  nbthread ${String(workers)}
  maxconn 9900
  tune.ssl.cachesize 20000
  ssl-default-bind-options ssl-min-ver TLSv1.3
  ssl-default-server-options ssl-min-ver TLSv1.3
defaults
  mode tcp
  timeout connect 5s
  timeout client 300s
  timeout server 300s
listen bench
  bind 127.0.0.1:${String(listen)} backlog 4096 ${bind}
  server next 127.0.0.1:${String(to)} ${tls}
`
    writeFileSync(file, text)
    return { command: program, args: ['-db', '-f', file] }
  }
  return [
    end('server', tunnel, `ssl crt ${server.both} ca-file ${root} verify required`, backend, ''),
    end(
      'client',
      entrance,
      '',
      tunnel,
      `ssl crt ${client.both} ca-file ${root} verify required verifyhost ${serverName} sni str(${serverName})`,
    ),
  ]
}

function stunnelEnds(program: string, wiring: Wiring): CommandLine[] {
  const { directory, backend, entrance, tunnel, certificates } = wiring
  const { root, client, server } = certificates
  const end = (name: string, settings: string): CommandLine => {
    const file = join(directory, `${name}.conf`)
    const text = `foreground = yes
syslog = no
debug = 3
pid =
socket = l:TCP_NODELAY=1
socket = r:TCP_NODELAY=1
[bench]
CAfile = ${root}
verifyChain = yes
sslVersionMin = TLSv1.3
${settings}
`
    writeFileSync(file, text)
    return { command: program, args: [file] }
  }
  return [
    end(
      'server',
      `accept = 127.0.0.1:${String(tunnel)}
connect = 127.0.0.1:${String(backend)}
cert = ${server.both}
requireCert = yes`,
    ),
    end(
      'client',
      `client = yes
accept = 127.0.0.1:${String(entrance)}
connect = 127.0.0.1:${String(tunnel)}
cert = ${client.both}
checkHost = ${serverName}`,
    ),
  ]
}

function ghostunnelEnds(program: string, wiring: Wiring): CommandLine[] {
  const { backend, entrance, tunnel, certificates } = wiring
  const { root, client, server } = certificates
  const end = (
    words: readonly string[],
    listen: number,
    target: number,
    own: typeof client,
  ): CommandLine => ({
    command: program,
    args: [
      ...words,
      ...['--listen', `127.0.0.1:${String(listen)}`, '--target', `127.0.0.1:${String(target)}`],
      ...['--cert', own.chain, '--key', own.key, '--cacert', root, '--quiet', 'all'],
    ],
    environment: { GOMAXPROCS: '1' },
  })
  return [
    end(['server', '--allow-dns', 'client.bench'], tunnel, backend, server),
    end(['client', '--override-server-name', serverName], entrance, tunnel, client),
  ]
}
