/**
 * `npm test`: static checks, then the tests by tier, each in its own mocha process so that a leak in
 * one is not hidden by another. Ends with one line that counts everything.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { TestTime } from '../test/support/test-clock.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const tool = (path: string): string => join(root, 'node_modules', path)

interface Step {
  readonly name: string
  readonly argv: readonly string[]
}

const checks: readonly Step[] = [
  { name: 'generated code is current', argv: ['scripts/generate.ts', '--check'] },
  {
    name: 'schema of policy documents is current',
    argv: ['scripts/generate-schema.ts', '--check'],
  },
  { name: 'types', argv: [tool('typescript/bin/tsc'), '-p', '.'] },
  {
    name: 'lint',
    argv: [
      tool('eslint/bin/eslint.js'),
      '--max-warnings=0',
      '--cache',
      '--cache-location=.cache/eslint',
      '.',
    ],
  },
  { name: 'format', argv: [tool('prettier/bin/prettier.cjs'), '--check', '--log-level=warn', '.'] },
]
const tiers = ['unit', 'property', 'component', 'scenarios'] as const

/**
 * What the unit tests may take together, in processor time, so that they are run all the time. Going
 * beyond it is a warning: a slow machine is no fault of the software.
 */
const unitTierMs = 1_000

function run(argv: readonly string[], env: Record<string, string> = {}): number {
  const child = spawnSync(process.execPath, argv, {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, ...env },
  })
  return child.status ?? 1
}

interface Counts {
  passed: number
  failed: number
  skipped: number
}

/** What `test/support/reporter.ts` writes. */
type TierReport = Counts & TestTime

/** A tier that dies before it could report counts as one failure. */
function runTier(tier: string, reports: string, filter: readonly string[]): TierReport {
  const report = join(reports, `${tier}.json`)
  const argv = ['--reporter', 'test/support/reporter.ts', '--reporter-option', `file=${report}`]
  const code = run([
    tool('mocha/bin/mocha.js'),
    ...argv,
    '--spec',
    `test/${tier}/**/*.test.ts`,
    ...filter,
  ])
  try {
    const counts = JSON.parse(readFileSync(report, 'utf8')) as TierReport
    return code !== 0 && counts.failed === 0 ? { ...counts, failed: 1 } : counts
  } catch {
    return { passed: 0, failed: 1, skipped: 0, processorMs: 0, elapsedMs: 0 }
  }
}

const seconds = (ms: number): string => (ms / 1_000).toFixed(2)

const total: Counts = { passed: 0, failed: 0, skipped: 0 }
let unitMs = 0
for (const step of checks) {
  console.log(`\n── ${step.name}`)
  if (run(step.argv) === 0) total.passed += 1
  else total.failed += 1
}
console.log('\n── browser for the component tests')
if (run(['scripts/ensure-programs.mjs', 'chromium']) !== 0) {
  console.log('the tests that need it will be skipped')
}
const reports = mkdtempSync(join(tmpdir(), 'blazon-test-'))
try {
  for (const tier of tiers) {
    console.log(`\n── ${tier} tests`)
    const counts = runTier(tier, reports, process.argv.slice(2))
    const { processorMs, elapsedMs } = counts
    console.log(
      `  ${seconds(processorMs)} s of processor, ${seconds(elapsedMs)} s in tests and hooks`,
    )
    if (tier === 'unit') unitMs = processorMs
    total.passed += counts.passed
    total.failed += counts.failed
    total.skipped += counts.skipped
  }
} finally {
  rmSync(reports, { recursive: true, force: true })
}
if (unitMs > unitTierMs) {
  console.log(
    `\nwarning: the unit tests took ${seconds(unitMs)} s of processor, expected at most ${seconds(unitTierMs)} s`,
  )
}
console.log(
  `\n${String(total.passed)} passed, ${String(total.failed)} failed, ${String(total.skipped)} skipped`,
)
process.exitCode = total.failed === 0 ? 0 : 1
