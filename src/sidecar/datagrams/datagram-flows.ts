import type { SeenDatagrams } from '../../base/datagram-table.ts'
import { icmpPort, udpPort, type Port } from '../../policy/index.ts'
import { flowBucketMs, type FlowCount, type FlowFacts } from '../flow-recorder.ts'
import type { Standing } from '../judgement.ts'
import { chooseOutside } from '../outside-choice.ts'

/** Makes flow records of what the rules have counted. */
export interface DatagramFlows {
  /** What is new since the last report. What the first has is of an earlier sidecar. */
  since(seen: readonly SeenDatagrams[], standing: Standing): readonly FlowCount[]
}

/** Of UDP as of ICMP echo. */
const headerBytes = 8

export function createDatagramFlows(): DatagramFlows {
  let former: ReadonlyMap<string, SeenDatagrams> | undefined
  /** By whom each place was allowed: a record may come after the policy has gone. */
  let known = new Map<string, FlowFacts>()

  const factsOf = ({ address, port }: SeenDatagrams, standing: Standing): FlowFacts => {
    const named: Port = port === 0 ? icmpPort : udpPort(port)
    const key = `${address} ${String(port)}`
    const facts = allowedFacts(address, named, standing) ?? known.get(key)
    if (facts !== undefined) known.set(key, facts)
    return facts ?? { ...unknownFacts, destination: { host: address, port: named } }
  }

  return {
    since: (seen, standing) => {
      const latest = new Map(seen.map((one) => [keyOf(one), one]))
      const before = former
      former = latest
      if (before === undefined) return []
      const places = new Set(seen.map(({ address, port }) => `${address} ${String(port)}`))
      known = new Map([...known].filter(([key]) => places.has(key)))
      return seen.flatMap((one) =>
        countOf(one, before.get(keyOf(one)), factsOf(one, standing), standing.now),
      )
    },
  }
}

/** Datagrams go out in clear, and only where a policy names them. */
const unknownFacts: Omit<FlowFacts, 'destination'> = {
  direction: 'egress',
  peerSpiffeId: '',
  peerWorkloadId: '',
  verdict: 'allow',
  reason: 'allowed-by-policy',
  policy: '',
  encryption: 'optional',
}

function allowedFacts(address: string, port: Port, standing: Standing): FlowFacts | undefined {
  const choice = chooseOutside(standing, { direction: 'egress', address, port })
  if (choice.kind !== 'outside') return undefined
  const { reason, policy } = choice.judgement
  return {
    ...unknownFacts,
    peerSpiffeId: `external:${choice.name}`,
    destination: { host: address, port },
    reason,
    policy,
  }
}

function countOf(
  { direction, address, packets, bytes }: SeenDatagrams,
  before: SeenDatagrams | undefined,
  facts: FlowFacts,
  now: number,
): FlowCount[] {
  // What was silent for long has been forgotten by the kernel, and counts from nothing again.
  const isNew = before === undefined || packets < before.packets || bytes < before.bytes
  const count = isNew ? packets : packets - before.packets
  if (count === 0) return []
  const whole = isNew ? bytes : bytes - before.bytes
  const data = Math.max(0, whole - count * (headerBytes + (address.includes(':') ? 40 : 20)))
  const isSent = direction === 'sent'
  const opened = isSent ? count : 0
  return [
    {
      ...facts,
      bucketStartMs: now - (now % flowBucketMs),
      ...{ opened, closed: opened, flowIds: [] },
      bytesSent: isSent ? data : 0,
      bytesReceived: isSent ? 0 : data,
    },
  ]
}

function keyOf({ direction, address, port }: SeenDatagrams): string {
  return `${direction} ${address} ${String(port)}`
}
