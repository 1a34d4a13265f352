import type { AddressList } from './address-list.ts'

/**
 * Where instances and ECS tasks get their documents and credentials. Who can ask there can become the
 * instance, so the workload may not, whatever is excluded.
 */
export const metadataAddresses: AddressList = {
  v4: ['169.254.169.254', '169.254.170.2'],
  v6: ['fd00:ec2::254'],
}
