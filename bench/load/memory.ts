import { readFileSync } from 'node:fs'

/** Memory of processes, in bytes. */
export interface MemoryUse {
  /** Pages that are shared count for each process by its part: the sum is what a host pays. */
  readonly proportional: number
  /** Pages that nobody else has. */
  readonly own: number
}

/** Of some processes together, by the kernel's figures. */
export function memoryUse(pids: readonly number[]): MemoryUse {
  const all = pids.map((pid) =>
    parseRollup(readFileSync(`/proc/${String(pid)}/smaps_rollup`, 'utf8')),
  )
  const sum = (key: keyof MemoryUse): number => all.reduce((total, one) => total + one[key], 0)
  return { proportional: sum('proportional'), own: sum('own') }
}

/** Reads proc(5) smaps_rollup; throws where a figure is not there. */
export function parseRollup(text: string): MemoryUse {
  const bytes = (name: string): number => {
    const kilobytes = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1]
    if (kilobytes === undefined) throw new Error(`expected ${name} in smaps_rollup`)
    return Number(kilobytes) * 1_024
  }
  return { proportional: bytes('Pss'), own: bytes('Private_Clean') + bytes('Private_Dirty') }
}
