import { messageOf } from '../../src/base/errors.ts'
import type { BenchContext } from '../row.ts'
import type { Arena } from './arena.ts'
import type { Contender } from './pair.ts'
import { roundsOf, type Part } from './part.ts'
import { compareInRounds, type Path } from './rounds.ts'
import type { ProxyTest } from './tests.ts'

/** Tests that go through each of some pairs in turn. */
export interface Comparison {
  readonly tests: readonly ProxyTest[]
  /** Ours first, whose figures the rows are. */
  readonly contenders: (arena: Arena) => readonly [Contender, ...Contender[]]
  /** Looks, before anything is measured, whether a pair does what is compared; throws where not. */
  readonly check?: (path: Path) => Promise<void>
}

/** The pairs run side by side, so that each round of a test can go through all of them. */
export function comparisonPart(comparison: Comparison): Part {
  return {
    tests: comparison.tests.map(({ name }) => name),
    run: async (arena, context) => {
      await using pairs = new AsyncDisposableStack()
      const contenders = comparison.contenders(arena)
      const { paths, absent } = await startAll(contenders, comparison.check, arena, context, pairs)
      return await compareInRounds(
        comparison.tests.filter(({ name }) => context.isWanted(name)),
        {
          traffic: arena.traffic,
          paths,
          absent,
          ours: contenders[0].name,
          rounds: roundsOf(context),
          scale: context.isQuick ? 0.3 : 1,
          say: context.say,
        },
      )
    },
  }
}

/** Of another proxy that does not start, or not as it should, only the name takes part. */
async function startAll(
  [ours, ...others]: readonly [Contender, ...Contender[]],
  check: Comparison['check'],
  arena: Arena,
  { say }: BenchContext,
  pairs: AsyncDisposableStack,
): Promise<{ readonly paths: readonly Path[]; readonly absent: readonly string[] }> {
  const paths: Path[] = [{ name: 'direct', port: arena.backend }]
  const absent: string[] = []
  for (const contender of [ours, ...others]) {
    const { name } = contender
    try {
      const pair = pairs.use(await arena.start(contender))
      const path = { name, port: pair.port, pair }
      await check?.(path)
      paths.push(path)
      say(`${name} has started`)
    } catch (error: unknown) {
      if (contender === ours) throw error
      say(`${name} takes no part: ${messageOf(error)}`)
      absent.push(name)
    }
  }
  return { paths, absent }
}
