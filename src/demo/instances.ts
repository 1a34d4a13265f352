import type { WorkloadName } from './cast.ts'

/** A simulated EC2 instance, with one workload on it. */
export interface Instance {
  readonly instanceId: string
  /** demo/policies/enrolment.yaml tells by it what the instance is for. */
  readonly imageId: string
  readonly zone: string
  readonly privateIp: string
}

/** AWS keeps this account number for its own examples. */
export const demoAccount = '111122223333'

export const regions = ['eu-central-1', 'us-east-1'] as const
export type Region = (typeof regions)[number]

/** Where each workload runs. `operator` is at no instance: it comes from an office, with a join token. */
export const instances: Readonly<Partial<Record<WorkloadName, Instance>>> = {
  'orders-db': instance(1, 'eu-central-1a'),
  cache: instance(2, 'eu-central-1b'),
  bastion: instance(3, 'eu-central-1a'),
  api: instance(4, 'eu-central-1a'),
  compromised: instance(5, 'eu-central-1b'),
  web: instance(6, 'us-east-1a'),
  reports: instance(7, 'us-east-1b'),
}

function instance(number: number, zone: string): Instance {
  const digits = `0de300000000000${String(number).padStart(2, '0')}`
  return {
    instanceId: `i-${digits}`,
    imageId: `ami-${digits}`,
    zone,
    privateIp: `10.${zone.startsWith('eu') ? '1' : '2'}.0.${String(number)}`,
  }
}

export function regionOf({ zone }: Instance): Region {
  const region = regions.find((one) => zone.startsWith(one))
  if (region === undefined) throw new Error(`BUG: ${zone} is in no region of the demonstration`)
  return region
}

/** How the controller names the node that an instance is. */
export function nodeIdOf(one: Instance): string {
  return `aws:${demoAccount}:${regionOf(one)}:${one.instanceId}`
}
