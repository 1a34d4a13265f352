import type { Arena } from './arena.ts'
import { blazon, type Sidecars } from './blazon.ts'
import { comparisonPart } from './comparison.ts'
import type { Part } from './part.ts'
import { echoing } from './tests.ts'

const [many, few] = [10_000, 10]
const loaded = `${many.toLocaleString('en-US')} policies loaded`
const withPolicies = (count: number): string => `blazon, ${count.toLocaleString('en-US')} policies`

/** As many as that must not be seen: one tenth is what two equal pairs differ by. */
const rate = { rate: { metric: 'rate', unit: '1/s', better: 'more', factor: 0.9 } } as const

/** Two sidecars that know 10,000 policies about themselves, beside two that know ten. */
export const manyPoliciesPart: Part = comparisonPart({
  tests: [
    echoing('connect', `connect, echo 1 KB, close; 32 at once, ${loaded}`, 32, rate),
    echoing('request', `echo 1 KB on kept connections; 32 at once, ${loaded}`, 32, rate),
  ],
  contenders: ({ controller }: Arena) => {
    const pair = (count: number): Sidecars =>
      blazon(controller, { name: withPolicies(count), policies: count })
    return [pair(many), pair(few)]
  },
})
