import { spawnSync } from 'node:child_process'
import { cpus, release, totalmem } from 'node:os'
import { fileURLToPath } from 'node:url'

/** Where and on what something was measured. */
export interface Circumstances {
  readonly machine: { readonly cpu: string; readonly cores: number; readonly memoryGb: number }
  readonly kernel: string
  readonly node: string
  readonly commit: string
  /** Whether files differed from the commit. */
  readonly dirty: boolean
  readonly date: string
  /** Share of the machine's processors that other programs took meanwhile. */
  readonly otherLoad: number
}

const root = fileURLToPath(new URL('..', import.meta.url))

/** Of a measurement that is over. */
export function circumstances(otherLoad: number): Circumstances {
  const processors = cpus()
  return {
    machine: {
      cpu: processors[0]?.model.trim() ?? 'unknown',
      cores: processors.length,
      memoryGb: Math.round(totalmem() / 2 ** 30),
    },
    kernel: release(),
    node: process.version,
    commit: git('rev-parse', 'HEAD').slice(0, 12),
    // What the suites write themselves says nothing about what was measured.
    dirty:
      git(
        'status',
        '--porcelain',
        '--',
        '.',
        ':!bench/results',
        ':!bench/plots',
        ':!test/long/results.json',
      ) !== '',
    date: new Date().toISOString().slice(0, 19) + 'Z',
    otherLoad: Number(otherLoad.toFixed(3)),
  }
}

/** `unknown` in a copy without its history. */
function git(...argv: readonly string[]): string {
  const { status, stdout } = spawnSync('git', argv, { cwd: root, encoding: 'utf8' })
  return status === 0 ? stdout.trim() : 'unknown'
}
