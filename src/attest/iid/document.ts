import { isIP } from 'node:net'
import { quote } from '../../base/errors.ts'
import * as form from './document-form.ts'
import { Refusal } from './refusal.ts'
import { readStrictJson } from './strict-json.ts'

/** What AWS says of an instance, checked for form. */
export interface InstanceIdentityDocument {
  readonly accountId: string
  readonly region: string
  readonly availabilityZone: string
  readonly instanceId: string
  readonly imageId: string
  readonly instanceType: string
  readonly architecture: string
  /** As it is written in the document: RFC 3339, UTC, seconds. */
  readonly pendingTime: string
  /** Milliseconds since the epoch. */
  readonly pendingTimeMs: number
  /** Of the document's own format. */
  readonly version: string
  /** Undefined on an instance that has IPv6 only. */
  readonly privateIp: string | undefined
  readonly kernelId: string | undefined
  readonly ramdiskId: string | undefined
  readonly billingProducts: readonly string[]
  readonly marketplaceProductCodes: readonly string[]
  readonly devpayProductCodes: readonly string[]
}

type Fields = ReadonlyMap<string, unknown>

const maxProducts = 32
const regionField = /"region"\s*:\s*"([^"\\]{0,64})"/

/**
 * The region that bytes not verified yet claim: good for the choice of a pinned key and for nothing
 * else. Undefined where none is to be seen.
 */
export function claimedRegion(content: Buffer): string | undefined {
  return regionField.exec(content.toString('latin1'))?.[1]
}

/**
 * Reads a document whose signature has been verified. A name that is there twice is refused, and so
 * is a known field of another form; unknown fields are AWS's to add. Throws `Refusal`.
 */
export function readDocument(content: Buffer): InstanceIdentityDocument {
  const fields = readFields(content)
  const pendingTime = readText(fields, 'pendingTime', timeForm)
  return {
    accountId: readText(fields, 'accountId', form.accountForm),
    region: readText(fields, 'region', form.regionForm),
    availabilityZone: readText(fields, 'availabilityZone', form.zoneForm),
    instanceId: readText(fields, 'instanceId', form.instanceForm),
    imageId: readText(fields, 'imageId', form.imageForm),
    instanceType: readText(fields, 'instanceType', form.instanceTypeForm),
    architecture: readText(fields, 'architecture', form.architectureForm),
    pendingTime,
    pendingTimeMs: readTime(pendingTime),
    version: readText(fields, 'version', form.versionForm),
    privateIp: readAddress(fields),
    kernelId: readOptional(fields, 'kernelId', form.kernelForm),
    ramdiskId: readOptional(fields, 'ramdiskId', form.ramdiskForm),
    billingProducts: readProducts(fields, 'billingProducts'),
    marketplaceProductCodes: readProducts(fields, 'marketplaceProductCodes'),
    devpayProductCodes: readProducts(fields, 'devpayProductCodes'),
  }
}

function readFields(content: Buffer): Fields {
  const read = readStrictJson(content)
  if (!read.ok) {
    const code = read.fault === 'name-doubled' ? 'document-name-doubled' : 'document-malformed'
    throw new Refusal(code, read.detail)
  }
  const { value } = read
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Refusal('document-malformed', 'expected a JSON object')
  }
  return new Map<string, unknown>(Object.entries(value))
}

function readText(fields: Fields, name: string, { pattern, expected }: form.FieldForm): string {
  const value = fields.get(name)
  if (typeof value === 'string' && pattern.test(value)) return value
  throw fieldRefusal(name, expected, value)
}

/** Absent and null mean the same. */
function readOptional(fields: Fields, name: string, shape: form.FieldForm): string | undefined {
  return (fields.get(name) ?? undefined) === undefined ? undefined : readText(fields, name, shape)
}

/** Absent, null and empty mean that the instance has none. */
function readAddress(fields: Fields): string | undefined {
  const value = fields.get('privateIp') ?? ''
  if (value === '') return undefined
  if (typeof value === 'string' && value.length <= 45 && isIP(value) !== 0) return value
  throw fieldRefusal('privateIp', 'an IP address', value)
}

function readProducts(fields: Fields, name: string): readonly string[] {
  const value = fields.get(name) ?? []
  const { pattern, expected } = form.productForm
  const isList = Array.isArray(value) && value.length <= maxProducts
  if (!isList) throw fieldRefusal(name, `null or at most ${String(maxProducts)} codes`, value)
  return value.map((code: unknown) => {
    if (typeof code === 'string' && pattern.test(code)) return code
    throw fieldRefusal(name, expected, code)
  })
}

const timeForm: form.FieldForm = {
  pattern: /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$/,
  expected: 'a time such as 2026-02-16T00:38:27Z',
}

function readTime(text: string): number {
  const time = Date.parse(text)
  // Written out again, a time that does not exist, such as the 30th of February, is another one.
  const isReal = !Number.isNaN(time) && new Date(time).toISOString() === text.replace('Z', '.000Z')
  if (isReal) return time
  throw fieldRefusal('pendingTime', timeForm.expected, text)
}

function fieldRefusal(name: string, expected: string, value: unknown): Refusal {
  const seen = value === undefined ? 'nothing' : quote(JSON.stringify(value))
  return new Refusal('document-field', `expected ${expected} in field ${name}, got ${seen}`)
}
