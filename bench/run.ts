/** `npm run bench -- <suite>...`: measures, keeps the result and writes the tables and plots anew. */
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { circumstances } from './machine.ts'
import { watchOtherLoad } from './other-load.ts'
import { percentText } from './report/number-text.ts'
import { publish } from './report/publish.ts'
import { resultTable } from './report/table.ts'
import { writeResult } from './results.ts'
import type { Suite } from './row.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    loaded: { type: 'boolean', default: false },
    publish: { type: 'boolean', default: false },
    only: { type: 'string' },
  },
})
/** A machine on which others do more than this gives numbers that nobody should compare with. */
const mostOtherLoad = 0.1

const known = readdirSync(new URL('suites/', import.meta.url))
  .filter((name) => name.endsWith('.ts'))
  .map((name) => name.slice(0, -'.ts'.length))
  .sort()
const unknown = positionals.filter((name) => !known.includes(name))
const [only] = positionals

if (unknown.length > 0) {
  console.error(`bench: error: no suite ${unknown.join(', ')}; expected one of ${known.join(', ')}`)
  process.exitCode = 2
} else if (values.only !== undefined && only !== 'proxy') {
  console.error('bench: error: --only is for the suite proxy')
  process.exitCode = 2
} else if (values.publish) {
  publish()
} else if (only === undefined) {
  console.log(
    'usage: npm run bench -- [--quick | --loaded] SUITE...   measure, keep the result, publish',
  )
  console.log(
    '       npm run bench -- --only TEXT proxy               measure the tests named so; nothing is kept',
  )
  console.log(
    '       npm run bench -- --publish                       write tables and plots from results',
  )
  console.log(`suites: ${known.join(', ')}`)
} else if (positionals.length === 1) {
  await measure(only)
} else {
  process.exitCode = measureApart(positionals)
}

/** What one suite leaves behind in the heap and the compiler must not change the next one's numbers. */
function measureApart(suites: readonly string[]): number {
  const flags = (['quick', 'loaded'] as const)
    .filter((flag) => values[flag])
    .map((flag) => `--${flag}`)
  for (const suite of suites) {
    const argv = [fileURLToPath(import.meta.url), ...flags, suite]
    const { status } = spawnSync(process.execPath, argv, { stdio: 'inherit' })
    if (status !== 0) return status ?? 1
  }
  return 0
}

async function measure(suite: string): Promise<void> {
  const module = (await import(`./suites/${suite}.ts`)) as Suite
  const otherLoad = watchOtherLoad()
  const say = (text: string): void => {
    console.error(`${suite}: ${text}`)
  }
  const { quick, only = '' } = values
  const rows = await module.run({ isQuick: quick, isWanted: (test) => test.includes(only), say })
  const found = circumstances(otherLoad())
  console.log(resultTable(rows))
  console.log(`other programs took ${percentText(found.otherLoad)} of the processors`)
  if (quick || only !== '') return
  if (found.otherLoad > mostOtherLoad && !values.loaded) {
    console.error(`${suite}: not kept: expected at most ${percentText(mostOtherLoad)} for others`)
    process.exitCode = 1
    return
  }
  writeResult(suite, found, rows)
  publish()
}
