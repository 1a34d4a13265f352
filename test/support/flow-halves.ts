import {
  halfIdOf,
  type FlowHalf,
  type FlowParty,
  type HalfKey,
} from '../../src/controller/flows/half.ts'
import type { CheckedReport } from '../../src/controller/flows/report.ts'

const party = (workloadId: string): FlowParty => ({
  workloadId,
  spiffeId: `spiffe://acme.example/${workloadId}`,
})

/** What `from` says of connections to `to`, under the id that goes with it. */
export function halfBetween(
  from: string,
  to: string,
  change: Partial<HalfKey & Pick<FlowHalf, 'opened' | 'bytesSent'>> = {},
): FlowHalf {
  const { opened = 1, bytesSent = 10, ...rest } = change
  const key: HalfKey = {
    bucketStartMs: 0,
    direction: 'egress',
    reporter: party(from),
    peer: party(to),
    destinationAddress: '10.0.0.2',
    destinationPort: 5432,
    verdict: 'allow',
    reason: 'allowed-by-policy',
    policy: 'web-to-db',
    encryption: 'required',
    ...rest,
  }
  return { ...key, id: halfIdOf(key), opened, closed: 1, bytesSent, bytesReceived: 20 }
}

/** A checked report of run `run` that holds these halves. */
export function reportOf(
  sequence: number,
  halves: readonly FlowHalf[],
  change: { readonly lost?: number; readonly flowIds?: readonly string[] } = {},
): CheckedReport {
  const { lost = 0, flowIds = [] } = change
  return { runId: 'run', sequence, lost, records: halves.map((half) => ({ half, flowIds })) }
}
