import { createPublicKey, hash, type KeyObject } from 'node:crypto'
import { quote } from '../../base/errors.ts'
import { AttestError } from '../errors.ts'
import { regionForm } from './document-form.ts'
import { iidForms, type IidForm } from './form.ts'
import { readStrictJson } from './strict-json.ts'

/** How a certificate of a pinned key names itself; AWS has more than one for some keys. */
export interface IidSigner {
  /** As `nameText` words it. */
  readonly issuer: string
  /** Lower-case hex without leading zeros. */
  readonly serial: string
}

/** The one key that signs a form of the document in a region. */
export interface IidKey {
  readonly region: string
  readonly form: IidForm
  readonly signers: readonly IidSigner[]
  readonly publicKey: KeyObject
  /** SHA-256 of its SubjectPublicKeyInfo, hex. */
  readonly keySha256: string
  /** Hash of the key of another file that this one takes the place of. */
  readonly replaces: string | undefined
}

/** Pinned keys by region and form. */
export interface IidKeys {
  find(region: string, form: IidForm): IidKey | undefined
  hasRegion(region: string): boolean
  readonly all: readonly IidKey[]
}

const maxKeyFileBytes = 1024 * 1024
const formatVersion = 1

/** Reads a key file (docs/aws-iid-keys.md). `source` names it in messages. Throws `ERR_IID_KEYS`. */
export function parseIidKeys(bytes: Buffer, source: string): IidKeys {
  if (bytes.length > maxKeyFileBytes) {
    throw fault(source, `expected at most ${String(maxKeyFileBytes)} bytes`)
  }
  const read = readStrictJson(bytes)
  if (!read.ok) throw fault(source, read.detail)
  const file = new Fields(read.value, source)
  if (file.take('version') !== formatVersion) {
    throw fault(source, `expected "version": ${String(formatVersion)}`)
  }
  const keys = new Map<string, IidKey>()
  for (const [index, entry] of file.list('keys').entries()) {
    const where = `${source}: keys[${String(index)}]`
    const key = readKey(new Fields(entry, where), where)
    const slot = slotOf(key.region, key.form)
    if (keys.has(slot)) throw fault(where, `a second ${key.form} key for ${key.region}`)
    keys.set(slot, key)
  }
  file.finish()
  return keysOf(keys)
}

/**
 * Adds an operator's keys to the project's. The same key under another certificate is a further
 * name of it; another key is a clash, unless the entry says which one it replaces. Throws `ERR_IID_KEYS`.
 */
export function mergeIidKeys(pinned: IidKeys, added: IidKeys, source: string): IidKeys {
  const keys = new Map(pinned.all.map((key) => [slotOf(key.region, key.form), key]))
  for (const key of added.all) {
    const slot = slotOf(key.region, key.form)
    keys.set(slot, mergeKey(keys.get(slot), key, `${source}: the ${key.form} key of ${key.region}`))
  }
  return keysOf(keys)
}

function mergeKey(pinned: IidKey | undefined, added: IidKey, where: string): IidKey {
  if (added.replaces !== undefined && added.replaces !== pinned?.keySha256) {
    throw fault(where, `replaces ${added.replaces}, which is not pinned there`)
  }
  if (pinned === undefined || added.replaces !== undefined) return added
  if (pinned.keySha256 === added.keySha256) {
    const further = added.signers.filter((signer) => !hasSigner(pinned, signer))
    return { ...pinned, signers: [...pinned.signers, ...further] }
  }
  throw fault(
    where,
    `clashes with the pinned key ${pinned.keySha256}; "replaces" with that hash puts this one in its place`,
  )
}

/** Whether a certificate of this issuer and serial is one of the key's. */
export function hasSigner(key: IidKey, { issuer, serial }: IidSigner): boolean {
  return key.signers.some((known) => known.serial === serial && known.issuer === issuer)
}

function keysOf(keys: ReadonlyMap<string, IidKey>): IidKeys {
  const all = [...keys.values()]
  const regions = new Set(all.map(({ region }) => region))
  return {
    find: (region, form) => keys.get(slotOf(region, form)),
    hasRegion: (region) => regions.has(region),
    all,
  }
}

const slotOf = (region: string, form: IidForm): string => `${region} ${form}`

function readKey(fields: Fields, where: string): IidKey {
  const region = fields.text('region', regionForm.pattern)
  const formText = fields.text('form', /^[a-z0-9]{1,16}$/)
  const form = iidForms.find((known) => known === formText)
  if (form === undefined) throw fault(where, `expected "form" to be one of ${iidForms.join(', ')}`)
  const spki = Buffer.from(fields.text('spki', /^[A-Za-z0-9+/]+={0,2}$/), 'base64')
  const keySha256 = fields.text('spkiSha256', sha256Form)
  if (hash('sha256', spki) !== keySha256) throw fault(where, 'spki does not have that spkiSha256')
  const publicKey = readSpki(spki, where)
  const kind = fields.text('key', /^[a-z0-9-]{1,32}$/)
  if (kind !== kindOf(publicKey)) {
    throw fault(where, `expected "key" to be ${quote(kindOf(publicKey))}, got ${quote(kind)}`)
  }
  if (!isStrongEnough(form, publicKey)) throw fault(where, `a ${kind} key cannot sign ${form}`)
  const signers = fields.list('signers').map((signer) => readSigner(new Fields(signer, where)))
  if (signers.length === 0) throw fault(where, 'expected at least one signer')
  // For people only: where the key came from, so that it can be compared there again.
  fields.list('sources')
  const replaces = fields.has('replaces') ? fields.text('replaces', sha256Form) : undefined
  fields.finish()
  return { region, form, signers, publicKey, keySha256, replaces }
}

const sha256Form = /^[0-9a-f]{64}$/

function readSigner(fields: Fields): IidSigner {
  const issuer = fields.text('issuer', /^.{1,512}$/)
  const serial = fields.text('serial', /^[1-9a-f][0-9a-f]{0,39}$/)
  fields.finish()
  return { issuer, serial }
}

function readSpki(spki: Buffer, where: string): KeyObject {
  try {
    return createPublicKey({ key: spki, format: 'der', type: 'spki' })
  } catch (cause: unknown) {
    throw fault(where, 'expected a SubjectPublicKeyInfo in "spki"', { cause })
  }
}

/** `rsa-2048`, `dsa-1024`: what people compare. */
export function kindOf(key: KeyObject): string {
  return `${key.asymmetricKeyType ?? 'unknown'}-${String(key.asymmetricKeyDetails?.modulusLength ?? 0)}`
}

/** The China regions serve `pkcs7` with an RSA-2048 key. */
function isStrongEnough(form: IidForm, key: KeyObject): boolean {
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0
  switch (form) {
    case 'rsa2048':
      return key.asymmetricKeyType === 'rsa' && bits >= 2048
    case 'pkcs7':
      return key.asymmetricKeyType === 'dsa' ? bits >= 1024 : isStrongEnough('rsa2048', key)
    case 'signature':
      return key.asymmetricKeyType === 'rsa' && bits >= 1024
    default:
      return form satisfies never
  }
}

/** An object of the file whose fields are taken one by one; what is left over was misspelled. */
class Fields {
  readonly #fields: Map<string, unknown>
  readonly #where: string

  constructor(value: unknown, where: string) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw fault(where, 'expected an object')
    }
    this.#fields = new Map<string, unknown>(Object.entries(value))
    this.#where = where
  }

  has(name: string): boolean {
    return this.#fields.has(name)
  }

  take(name: string): unknown {
    const value = this.#fields.get(name)
    this.#fields.delete(name)
    return value
  }

  text(name: string, pattern: RegExp): string {
    const value = this.take(name)
    if (typeof value === 'string' && pattern.test(value)) return value
    const seen = value === undefined ? 'nothing' : quote(JSON.stringify(value))
    throw fault(this.#where, `expected ${quote(name)} to match ${pattern.source}, got ${seen}`)
  }

  list(name: string): readonly unknown[] {
    const value = this.take(name)
    if (Array.isArray(value)) return value
    throw fault(this.#where, `expected a list in ${quote(name)}`)
  }

  finish(): void {
    const [unknown] = this.#fields.keys()
    if (unknown !== undefined) throw fault(this.#where, `unknown field ${quote(unknown)}`)
  }
}

function fault(where: string, message: string, options?: ErrorOptions): AttestError {
  return new AttestError('ERR_IID_KEYS', `${where}: ${message}`, options)
}
