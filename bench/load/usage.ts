import { readFileSync } from 'node:fs'

/** Linux counts processor time for programs in hundredths of a second, whatever the kernel's tick. */
const ticksPerSecond = 100

/** Processor time of a process and all its threads so far, in seconds (proc(5)). */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${String(pid)}/stat`, 'utf8')
  // The program's name stands in parentheses and may hold spaces.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
}

/** Memory of a process that is in RAM, in bytes. */
export function residentBytes(pid: number): number {
  return statusBytes(pid, 'VmRSS')
}

/** Memory of a process that is in RAM and comes from no file, in bytes. */
export function anonymousBytes(pid: number): number {
  return statusBytes(pid, 'RssAnon')
}

function statusBytes(pid: number, name: string): number {
  const status = readFileSync(`/proc/${String(pid)}/status`, 'utf8')
  const kilobytes = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]
  if (kilobytes === undefined) throw new Error(`expected ${name} of process ${String(pid)}`)
  return Number(kilobytes) * 1_024
}

/** Files that a process may have open; Node raises its own to the hard limit. */
export function mostDescriptors(): number {
  const limits = readFileSync('/proc/self/limits', 'utf8')
  const most = /^Max open files\s+\S+\s+(\S+)/m.exec(limits)?.[1]
  return most === 'unlimited' ? Number.POSITIVE_INFINITY : Number(most)
}

/** Microseconds on the clock that all processes of a machine share. */
export function sharedMicroseconds(): number {
  return Number(process.hrtime.bigint() / 1_000n)
}
