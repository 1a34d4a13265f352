import { generateKeyPair, hash, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import { kindOf, loadIidKeys } from '../attest/iid/index.ts'
import { demoAccount, regionOf, regions, type Instance, type Region } from './instances.ts'
import { distinguishedName, signDocument, writeDocument } from './signed-document.ts'

/**
 * Signs instance identity documents in place of AWS, with keys that are made for one run and are
 * trusted by the controller of that run alone.
 */
export interface DemonstrationSigner {
  /**
   * For `BLAZON_AWS_IID_KEYS`. It takes the place of AWS's keys in the regions of the demonstration,
   * so its controller would refuse a real document of them.
   */
  readonly keyFile: string
  /** The `rsa2048` form, base64 as it is served, and the document in it. */
  sign(instance: Instance): { readonly document: string; readonly rsa2048: string }
}

const organization = 'Blazon Demonstration'
const signerName = distinguishedName('XX', organization)
const serial = Buffer.of(0x0d, 0xe3)

/** Instances are launched `now`: their documents are as fresh as a first enrolment wants them. */
export async function createDemonstrationSigner(now: Date): Promise<DemonstrationSigner> {
  const keys = new Map<Region, KeyObject>()
  const entries: object[] = []
  const pinned = await loadIidKeys()
  for (const region of regions) {
    const { privateKey, publicKey } = await promisify(generateKeyPair)('rsa', {
      modulusLength: 2048,
    })
    keys.set(region, privateKey)
    const replaces = pinned.find(region, 'rsa2048')?.keySha256
    entries.push({ ...keyEntry(region, publicKey), ...(replaces && { replaces }) })
  }
  return {
    keyFile: JSON.stringify({ version: 1, keys: entries }),
    sign: (instance) => {
      const key = keys.get(regionOf(instance))
      if (key === undefined) throw new Error('BUG: a region without a key')
      const document = documentOf(instance, now)
      const blob = signDocument(document, { name: signerName, serial, key }, now)
      const rsa2048 = (blob.toString('base64').match(/.{1,76}/g) ?? []).join('\n')
      return { document: document.toString(), rsa2048 }
    },
  }
}

function keyEntry(region: Region, publicKey: KeyObject): object {
  const spki = publicKey.export({ type: 'spki', format: 'der' })
  return {
    region,
    form: 'rsa2048',
    key: kindOf(publicKey),
    signers: [{ issuer: `C=XX, O=${organization}`, serial: serial.toString('hex').slice(1) }],
    spki: spki.toString('base64'),
    spkiSha256: hash('sha256', spki),
    sources: ['made for one run of the demonstration'],
  }
}

function documentOf(instance: Instance, launched: Date): Buffer {
  return writeDocument({
    accountId: demoAccount,
    architecture: 'x86_64',
    availabilityZone: instance.zone,
    billingProducts: null,
    devpayProductCodes: null,
    marketplaceProductCodes: null,
    imageId: instance.imageId,
    instanceId: instance.instanceId,
    instanceType: 't3.small',
    kernelId: null,
    pendingTime: launched.toISOString().replace(/\.[0-9]+Z$/, 'Z'),
    privateIp: instance.privateIp,
    ramdiskId: null,
    region: regionOf(instance),
    version: '2017-09-30',
  })
}
