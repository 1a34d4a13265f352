import { checkValue, type Attribute } from '../../identity/attributes.ts'
import type { InstanceIdentityDocument } from './document.ts'

/** The `signed` attributes that follow from a verified document (PROTOCOL §1). */
export function documentAttributes(document: InstanceIdentityDocument): readonly Attribute[] {
  const values: readonly (readonly [key: string, values: readonly (string | undefined)[]])[] = [
    ['aws.account', [document.accountId]],
    ['aws.region', [document.region]],
    ['aws.zone', [document.availabilityZone]],
    ['aws.image-id', [document.imageId]],
    ['aws.instance-id', [document.instanceId]],
    ['aws.instance-type', [document.instanceType]],
    ['aws.architecture', [document.architecture]],
    ['aws.private-ip', [document.privateIp]],
    ['aws.pending-time', [document.pendingTime]],
    ['aws.version', [document.version]],
    ['aws.kernel-id', [document.kernelId]],
    ['aws.ramdisk-id', [document.ramdiskId]],
    ['aws.billing-products', document.billingProducts],
    ['aws.marketplace-product-codes', document.marketplaceProductCodes],
  ]
  return values.flatMap(([key, list]) =>
    list
      .filter((value) => value !== undefined)
      .map((value) => ({ key, value: checkValue(value), provenance: 'signed' as const })),
  )
}
