/**
 * A recorder on a machine of its own: `recorder-process.ts LISTEN TO`, both as address:port. It says
 * that it listens, and then, for every line of its stdin (a text in JSON), what it has recorded.
 */
import { createInterface } from 'node:readline'
import { hostPort } from '../base/env.ts'
import { createTap } from './recorder.ts'

const [listen = '', to = ''] = process.argv.slice(2)
await using tap = await createTap({ listen: hostPort(listen), to: hostPort(to) })
process.stdout.write('listening\n')
for await (const line of createInterface({ input: process.stdin })) {
  const recorded = await tap.recorded(JSON.parse(line) as string)
  process.stdout.write(`${JSON.stringify(recorded)}\n`)
}
