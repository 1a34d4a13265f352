import { blazon } from './blazon.ts'
import { comparisonPart } from './comparison.ts'
import type { Part } from './part.ts'
import { peers } from './peers.ts'
import { bulk, echoing, type ProxyTest } from './tests.ts'

const workers = 2
const ofOne = 'blazon, 1 worker'
const suffix = `${String(workers)} workers`

/** Held against ourselves with one: on two cores, which all take part in, a second can gain little. */
const rate = { metric: 'rate', unit: '1/s', better: 'more', against: ofOne } as const

function download(streams: number): ProxyTest {
  const { measures, ...test } = bulk('download', streams, 0.85)
  const { rate, cpu } = measures
  const against = { against: ofOne }
  return {
    ...test,
    name: `${test.name}, ${suffix}`,
    measures: {
      ...(rate === undefined ? {} : { rate: { ...rate, ...against } }),
      ...(cpu === undefined ? {} : { cpu: { metric: cpu.metric, unit: cpu.unit, better: 'less' } }),
    },
  }
}

/** Each end with two processes or threads that carry connections, and ours with one beside it. */
export const twoWorkersPart: Part = comparisonPart({
  tests: [
    echoing('connect', `connect, echo 1 KB, close; 32 at once, ${suffix}`, 32, {
      rate: { ...rate, factor: 0.85 },
    }),
    echoing('request', `echo 1 KB on kept connections; 32 at once, ${suffix}`, 32, {
      rate: { ...rate, factor: 1.1 },
    }),
    download(1),
    download(8),
  ],
  contenders: ({ controller, peering }) => [
    blazon(controller, { name: `blazon, ${suffix}`, workers }),
    blazon(controller, { name: ofOne }),
    ...peers({ ...peering, workers }).filter(({ name }) => /^(?:nginx, 64k|haproxy)$/.test(name)),
  ],
})
