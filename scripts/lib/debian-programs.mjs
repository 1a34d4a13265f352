// Where the programs of the demonstration, of the tests and of the benchmarks are on a Debian machine, and how to
// get those that are missing. Plain JavaScript for Node 20 and newer: it runs before anything of ours is set up.
import { accessSync, constants, readdirSync, realpathSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Program name to the Debian package that brings it. */
export const packageOf = {
  chromium: 'chromium',
  curl: 'curl',
  docker: 'docker.io',
  'docker-compose': 'docker-compose',
  dockerd: 'docker.io',
  gcc: 'gcc',
  haproxy: 'haproxy',
  initdb: 'postgresql',
  ip: 'iproute2',
  nft: 'nftables',
  nginx: 'nginx',
  nsenter: 'util-linux',
  openssl: 'openssl',
  ping: 'iputils-ping',
  postgres: 'postgresql',
  psql: 'postgresql-client',
  'redis-cli': 'redis-tools',
  'redis-server': 'redis-server',
  setpriv: 'util-linux',
  ssh: 'openssh-client',
  'ssh-keygen': 'openssh-client',
  sleep: 'coreutils',
  sshd: 'openssh-server',
  stunnel: 'stunnel4',
  unshare: 'util-linux',
}

/** System services that the packages register; they are switched off again when we installed them. */
export const servicesOf = {
  'docker.io': ['docker.socket', 'docker', 'containerd'],
  haproxy: ['haproxy'],
  nftables: ['nftables'],
  nginx: ['nginx'],
  'openssh-server': ['ssh'],
  postgresql: ['postgresql'],
  'redis-server': ['redis-server'],
  stunnel4: ['stunnel4'],
}

// One directory for all of these, so that initdb and postgres are of one version; /usr/bin/psql is
// a wrapper that first looks for the machine's own clusters.
const versioned = new Set(['initdb', 'postgres', 'psql'])
const postgresVersions = '/usr/lib/postgresql'
const usualDirectories = [
  '/usr/local/sbin',
  '/usr/local/bin',
  '/usr/sbin',
  '/usr/bin',
  '/sbin',
  '/bin',
]

/** Absolute path of a program, or undefined. */
export function findProgram(name, searchPath = process.env['PATH'] ?? '') {
  const onPath = searchPath.split(delimiter).filter((directory) => directory.startsWith('/'))
  const first = versioned.has(name) ? postgresDirectories() : []
  for (const directory of [...first, ...onPath, ...usualDirectories]) {
    const path = join(directory, name)
    if (isExecutable(path)) return path
  }
  return undefined
}

/** Newest version first. */
function postgresDirectories() {
  let versions
  try {
    versions = readdirSync(postgresVersions)
  } catch {
    return [] // not Debian's layout, or not installed
  }
  return versions
    .filter((version) => /^[0-9]+$/.test(version))
    .sort((a, b) => Number(b) - Number(a))
    .map((version) => join(postgresVersions, version, 'bin'))
    .filter((directory) => isExecutable(join(directory, 'postgres')))
}

function isExecutable(path) {
  try {
    accessSync(realpathSync(path), constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** The packages that bring these programs, sorted, each once. Throws for a program not in the table. */
export function packagesFor(programs) {
  const unknown = programs.filter((name) => !Object.hasOwn(packageOf, name))
  if (unknown.length > 0) {
    throw new Error(
      `no package is known for ${unknown.map((name) => JSON.stringify(name)).join(', ')}`,
    )
  }
  return [...new Set(programs.map((name) => packageOf[name]))].sort()
}
