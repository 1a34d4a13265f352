import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { serverName } from './certificates.ts'
import type { CommandLine, Contender } from './pair.ts'
import { peerContender, type PeerOptions, type Wiring } from './peers.ts'

/**
 * nginx and HAProxy as reverse proxies of HTTP, one worker each: mutual TLS between the two, connections
 * kept on every side, and at the server's end the rule that `httpRule` is for ours.
 */
export function httpPeers({ certificates, programs }: PeerOptions): Contender[] {
  const { nginx, haproxy } = programs
  const contender = (name: string, ends: (wiring: Wiring) => readonly CommandLine[]): Contender =>
    peerContender({ name, certificates, ends, probe: 'http' })
  return [
    ...(nginx === undefined ? [] : [contender('nginx', (wiring) => nginxEnds(nginx, wiring))]),
    ...(haproxy === undefined
      ? []
      : [contender('haproxy', (wiring) => haproxyEnds(haproxy, wiring))]),
  ]
}

/** More than any run sends, so that no connection ends for it. */
const kept = 'keepalive_requests 100000000; keepalive_timeout 300s;'

function nginxEnds(program: string, wiring: Wiring): CommandLine[] {
  const { directory, backend, entrance, tunnel, certificates } = wiring
  const { root, client, server } = certificates
  const end = (name: string, next: number, settings: string): CommandLine => {
    const file = join(directory, `${name}.conf`)
    const text = `
user root; daemon off; worker_processes 1; pid ${directory}/${name}.pid; error_log ${directory}/${name}.log error;
events { worker_connections 19900; }
http {
  access_log off; tcp_nodelay on; ${kept}
  proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host;
  map $http_x_tenant $is_tenant { blue 1; green 1; default 0; }
  upstream next { server 127.0.0.1:${String(next)}; keepalive 64; ${kept} }
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
      backend,
      `listen 127.0.0.1:${String(tunnel)} ssl reuseport backlog=4096;
    ssl_certificate ${server.chain}; ssl_certificate_key ${server.key}; ssl_protocols TLSv1.3;
    ssl_verify_client on; ssl_verify_depth 2; ssl_client_certificate ${root};
    location / { return 403; }
    location ~ ^/orders/[^/]*$ {
      limit_except GET POST { deny all; }
      if ($is_tenant = 0) { return 403; }
      proxy_pass http://next;
    }`,
    ),
    end(
      'client',
      tunnel,
      `listen 127.0.0.1:${String(entrance)} reuseport backlog=4096;
    proxy_ssl_certificate ${client.chain}; proxy_ssl_certificate_key ${client.key};
    proxy_ssl_protocols TLSv1.3; proxy_ssl_verify on; proxy_ssl_verify_depth 2;
    proxy_ssl_trusted_certificate ${root}; proxy_ssl_name ${serverName};
    location / { proxy_pass https://next; }`,
    ),
  ]
}

function haproxyEnds(program: string, wiring: Wiring): CommandLine[] {
  const { directory, backend, entrance, tunnel, certificates } = wiring
  const { root, client, server } = certificates
  const end = (name: string, bind: string, rules: string, next: string): CommandLine => {
    const file = join(directory, `${name}.cfg`)
    const text = `global
  nbthread 1
  maxconn 9900
  ssl-default-bind-options ssl-min-ver TLSv1.3
  ssl-default-server-options ssl-min-ver TLSv1.3
defaults
  mode http
  http-reuse always
  timeout connect 5s
  timeout client 300s
  timeout server 300s
  timeout http-keep-alive 300s
listen bench
  bind ${bind}
  ${rules}
  server next ${next}
`
    writeFileSync(file, text)
    return { command: program, args: ['-db', '-f', file] }
  }
  return [
    end(
      'server',
      `127.0.0.1:${String(tunnel)} backlog 4096 ssl crt ${server.both} ca-file ${root} verify required`,
      `acl is_method method GET HEAD POST
  acl is_order path_reg ^/orders/[^/]*$
  acl is_tenant req.hdr(x-tenant) -m str blue green
  http-request deny unless is_method is_order is_tenant`,
      `127.0.0.1:${String(backend)}`,
    ),
    end(
      'client',
      `127.0.0.1:${String(entrance)} backlog 4096`,
      '',
      `127.0.0.1:${String(tunnel)} ssl crt ${client.both} ca-file ${root} verify required verifyhost ${serverName} sni str(${serverName})`,
    ),
  ]
}
