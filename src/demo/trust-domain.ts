import type { WorkloadName } from './cast.ts'

export const trustDomain = 'demo.example'

/** The name that the default path template gives a workload of the demonstration. */
export function spiffeIdOf(name: WorkloadName): string {
  return `spiffe://${trustDomain}/ns/default/workload/${name}`
}
