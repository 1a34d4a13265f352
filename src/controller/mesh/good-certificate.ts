import { unauthenticated, type WorkloadCaller } from '../caller.ts'
import type { RegisteredWorkload, Registry } from '../workloads/registry.ts'

/** What is known of a caller; throws where it is not in good standing, or shows a certificate that was replaced. */
export function needGoodCertificate(
  registry: Registry,
  { facts, peer }: Pick<WorkloadCaller, 'facts' | 'peer'>,
): RegisteredWorkload {
  const entry = registry.workload(facts.workloadId)
  if (entry?.stored.standing !== 'good') {
    throw unauthenticated(`workload is ${entry?.stored.standing ?? 'not known'}`)
  }
  const { state } = entry.certificates.get(peer.serial) ?? { state: 'not known' }
  if (state === 'superseded' || state === 'not known') {
    throw unauthenticated(`serial ${peer.serial} is ${state}`)
  }
  return entry
}
