import { availableParallelism } from 'node:os'
import { spawnSync } from 'node:child_process'

/** Who runs where, so that a load generator takes nothing from the controller's one core. */
export type Place = 'controller' | 'load'

const cores = availableParallelism()
const canPin = cores > 1 && spawnSync('taskset', ['--version']).status === 0

/** Whether the controller has a core for itself; said with every result that depends on it. */
export const isPinned: boolean = canPin

type CommandLine = readonly [command: string, ...words: string[]]

/** A command line that keeps its process in its place; the same one where that is not possible. */
export function placed(place: Place, line: CommandLine): CommandLine {
  if (!canPin) return line
  const last = String(cores - 1)
  return ['taskset', '-c', place === 'controller' ? last : `0-${String(cores - 2)}`, ...line]
}

/** So many load generators have a core each. */
export const loadProcesses: number = Math.max(1, Math.min(4, cores - 1))
