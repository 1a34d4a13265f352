import { spawnSync } from 'node:child_process'
import { generateKeyPairSync, sign, verify } from 'node:crypto'
import { cpus, release, totalmem } from 'node:os'
import { fileURLToPath } from 'node:url'

export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memoryGb: number
  /** What a P-256 signature takes to verify: virtual machines of one name differ by half and more. */
  readonly verifyMicroseconds?: number
}

/** Where and on what something was measured. */
export interface Circumstances {
  readonly machine: Machine
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
      verifyMicroseconds: verifyMicroseconds(),
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

function verifyMicroseconds(): number {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const message = Buffer.alloc(256)
  const signature = sign('sha256', message, privateKey)
  const each = 100
  const rounds = Array.from({ length: 25 }, () => {
    const start = performance.now()
    for (let count = 0; count < each; count++) verify('sha256', message, publicKey, signature)
    return ((performance.now() - start) * 1_000) / each
  })
  // The least: a processor that has slept takes a while to wake, and others are in the way.
  return Number(Math.min(...rounds).toFixed(1))
}

/** `unknown` in a copy without its history. */
function git(...argv: readonly string[]): string {
  const { status, stdout } = spawnSync('git', argv, { cwd: root, encoding: 'utf8' })
  return status === 0 ? stdout.trim() : 'unknown'
}
