/** What a thread may do and become, by its `/proc/PID/task/TID/status`. */
export interface ThreadPrivileges {
  /** The process that has started its process, or has taken it over. */
  readonly parent: number
  /** Real, effective, saved and of the file system. */
  readonly uids: readonly number[]
  /** The same four, and the supplementary groups. */
  readonly gids: readonly number[]
  /** Capabilities that it has, or can take without another program's help. */
  readonly held: bigint
  /** Those that a program which it executes could get. */
  readonly gainable: bigint
  /** Whether it has ended, and is there only until its parent has asked how. */
  readonly isDead: boolean
}

// <linux/capability.h>, in the order of its numbers.
const capabilities = (
  'CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE ' +
  'NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT ' +
  'SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE ' +
  'AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ ' +
  'PERFMON BPF CHECKPOINT_RESTORE'
).split(' ')

/**
 * What services are given for good reasons, and is of no use against a sidecar beyond silencing it. Any other
 * capability counts, a future one too: `CHOWN` with `FOWNER`, say, makes a program that runs as the sidecar.
 */
const harmless = new Set(['KILL', 'NET_BIND_SERVICE', 'IPC_LOCK', 'SYS_NICE', 'AUDIT_WRITE'])

/** Names those of a set of capabilities by which a program could go round its sidecar, or become it. */
export function waysAround(set: bigint): string[] {
  const names: string[] = []
  for (let number = 0, rest = set; rest > 0n; number += 1, rest >>= 1n) {
    if ((rest & 1n) === 1n) names.push(capabilities[number] ?? `capability ${String(number)}`)
  }
  return names.filter((name) => !harmless.has(name))
}

/** Reads a status file; throws for a text that lacks something of it. */
export function parseThreadStatus(text: string): ThreadPrivileges {
  const fields = new Map(
    text.split('\n').map((line): [string, string] => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon), line.slice(colon + 1).trim()]
    }),
  )
  const field = (name: string, form: RegExp): string => {
    const value = fields.get(name)
    if (value !== undefined && form.test(value)) return value
    throw new Error(`expected ${name} in the status of a process, got ${JSON.stringify(value)}`)
  }
  const set = (name: string): bigint => BigInt(`0x${field(name, /^[0-9a-f]{8,16}$/)}`)
  const ids = (name: string, form: RegExp): number[] =>
    field(name, form).split(/\s+/).filter(Boolean).map(Number)
  const four = /^\d+(?:\s+\d+){3}$/
  const parent = Number(field('PPid', /^\d+$/))
  const isLocked = field('NoNewPrivs', /^[01]$/) === '1'
  return {
    parent,
    uids: ids('Uid', four),
    gids: [...ids('Gid', four), ...ids('Groups', /^(?:\d+\s*)*$/)],
    held: ['CapInh', 'CapPrm', 'CapEff', 'CapAmb'].map(set).reduce((all, one) => all | one),
    gainable: isLocked ? 0n : set('CapBnd'),
    isDead: /^[ZX]/.test(field('State', /^[A-Z]/i)),
  }
}
