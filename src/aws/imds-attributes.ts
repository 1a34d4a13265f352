import { messageOf } from '../base/errors.ts'
import { checkKey, checkValue, type Attribute } from '../identity/attributes.ts'
import type { Imds } from './imds.ts'

/** What the metadata service says of the instance without signing it, so as good as the node's word. */
export interface InstanceAttributes {
  readonly attributes: readonly Attribute[]
  /** What cannot be an attribute, and why. */
  readonly unusable: readonly { readonly key: string; readonly reason: string }[]
}

/** The `imds.*` family of PROTOCOL §1, and where its values are. */
const paths: readonly (readonly [key: string, path: string])[] = [
  ['imds.launch-index', 'ami-launch-index'],
  ['imds.local-ipv4', 'local-ipv4'], // absent on an instance with IPv6 only
  ['imds.mac', 'mac'],
  ['imds.hostname', 'hostname'],
  ['imds.instance-action', 'instance-action'],
  ['imds.reservation-id', 'reservation-id'],
]

const root = '/latest/meta-data/'
const tagPath = 'tags/instance'
/** EC2 allows 50. */
const mostTags = 64
/** What EC2 allows in a tag key that is shown here; anything else would make another path of it. */
const tagForm = /^(?!\.{1,2}$)[A-Za-z0-9+=._,:@-]{1,128}$/

/** Reads the observed attributes; tags only where the instance has them in its metadata. */
export async function readInstanceAttributes(
  imds: Imds,
  signal: AbortSignal,
): Promise<InstanceAttributes> {
  const found: (readonly [key: string, value: string])[] = []
  const read = async (key: string, path: string): Promise<void> => {
    const value = await imds.read(root + path, signal)
    if (value !== undefined) found.push([key, value.toString('utf8')])
  }
  for (const [key, path] of paths) await read(key, path)
  const { tags, unusable } = tagsOf(await imds.read(`${root}${tagPath}`, signal))
  // Attribute keys are in lower case; two tags that differ in nothing else are two values of one key.
  for (const tag of tags) await read(`imds.tag.${tag.toLowerCase()}`, `${tagPath}/${tag}`)
  return check(found, unusable)
}

interface Tags {
  readonly tags: readonly string[]
  readonly unusable: readonly { readonly key: string; readonly reason: string }[]
}

function tagsOf(listing: Buffer | undefined): Tags {
  const lines = (listing?.toString('utf8') ?? '').split('\n').filter((line) => line !== '')
  const tags = lines.filter((line) => tagForm.test(line)).slice(0, mostTags)
  const unusable = lines
    .filter((line) => !tags.includes(line))
    .map((line) => ({ key: `imds.tag.${line}`, reason: 'expected a tag key of EC2, 64 at most' }))
  return { tags, unusable }
}

function check(
  found: readonly (readonly [key: string, value: string])[],
  ofTags: Tags['unusable'],
): InstanceAttributes {
  const attributes: Attribute[] = []
  const unusable = [...ofTags]
  for (const [key, value] of found) {
    try {
      attributes.push({ key: checkKey(key), value: checkValue(value), provenance: 'observed' })
    } catch (error: unknown) {
      unusable.push({ key, reason: messageOf(error) })
    }
  }
  return { attributes, unusable }
}
