import { openArena } from '../proxies/arena.ts'
import { compareInRounds, type Path } from '../proxies/rounds.ts'
import { proxyTests } from '../proxies/tests.ts'
import type { BenchContext, Row } from '../row.ts'

const rounds = 9

/** Connections, requests and bulk through two sidecars, beside the same through pairs of other proxies. */
export async function run(context: BenchContext): Promise<Row[]> {
  const { isQuick, isWanted, say } = context
  const tests = proxyTests.filter(({ name }) => isWanted(name))
  if (tests.length === 0) {
    const names = proxyTests.map(({ name }) => `"${name}"`).join(', ')
    throw new Error(`expected a part of the name of a test, one of ${names}`)
  }
  await using arena = await openArena()
  await using pairs = new AsyncDisposableStack()
  const paths: Path[] = [{ name: 'direct', port: arena.backend }]
  for (const contender of [arena.ours, ...arena.peers]) {
    const pair = pairs.use(await arena.start(contender))
    paths.push({ name: contender.name, port: pair.port, pair })
    say(`${contender.name} has started`)
  }
  return await compareInRounds(tests, {
    traffic: arena.traffic,
    paths,
    ours: arena.ours.name,
    rounds: isQuick ? 1 : rounds,
    scale: isQuick ? 0.3 : 1,
    say,
  })
}
