/**
 * Makes a key file for instance identity documents out of certificates that AWS publishes
 * (docs/aws-iid-keys.md).
 *
 *   node scripts/import-iid-keys.ts FOLDER
 *       writes data/aws-iid-keys.json from FOLDER/<region>-<rsa2048|dsa|rsa>[-...].pem and its index.json
 *   node scripts/import-iid-keys.ts --region R --form F [--source TEXT]... CERTIFICATE.pem...
 *       prints a file with this one key, for BLAZON_AWS_IID_KEYS
 */
import { hash, X509Certificate } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { readBer } from '../src/attest/iid/ber.ts'
import { nameText } from '../src/attest/iid/distinguished-name.ts'
import { iidForms, kindOf, parseIidKeys, type IidForm } from '../src/attest/iid/index.ts'
import { DerReader, derTag } from '../src/identity/der.ts'

interface Entry {
  readonly region: string
  readonly form: IidForm
  readonly key: string
  readonly signers: { readonly issuer: string; readonly serial: string }[]
  readonly spki: string
  readonly spkiSha256: string
  readonly sources: string[]
}

interface IndexEntry {
  readonly region: string
  readonly kind: 'rsa2048' | 'dsa' | 'rsa'
  readonly file: string
  readonly retired?: boolean
  readonly sources: readonly string[]
}

const formOfKind = { rsa2048: 'rsa2048', dsa: 'pkcs7', rsa: 'signature' } as const
const output = fileURLToPath(new URL('../data/aws-iid-keys.json', import.meta.url))

function entryOf(
  { raw, publicKey }: X509Certificate,
  region: string,
  form: IidForm,
  sources: readonly string[],
): Entry {
  const spki = publicKey.export({ type: 'spki', format: 'der' })
  return {
    region,
    form,
    key: kindOf(publicKey),
    signers: [signerOf(raw)],
    spki: spki.toString('base64'),
    spkiSha256: hash('sha256', spki),
    sources: [...sources],
  }
}

/** Serial and issuer of a certificate (RFC 5280 4.1), as a SignerInfo repeats them. */
function signerOf(certificate: Buffer): Entry['signers'][number] {
  const fields = DerReader.open(certificate, 16_384).enter(derTag.sequence).enter(derTag.sequence)
  const explicitVersion = 0xa0
  if (fields.peekTag() === explicitVersion) fields.element()
  const serial = fields.unsignedBytes().toString('hex').replace(/^0+/, '')
  fields.element(derTag.sequence)
  return { issuer: nameText(readBer(fields.element(derTag.sequence))), serial }
}

/** One entry for each region and form; a reissued certificate is a further signer of the same key. */
function merge(entries: readonly Entry[]): Entry[] {
  const merged = new Map<string, Entry>()
  for (const entry of entries) {
    const slot = `${entry.region} ${entry.form}`
    const known = merged.get(slot)
    if (known === undefined) {
      merged.set(slot, entry)
      continue
    }
    if (known.spkiSha256 !== entry.spkiSha256) throw new Error(`${slot}: certificates of two keys`)
    for (const signer of entry.signers) {
      if (!known.signers.some(({ serial }) => serial === signer.serial)) known.signers.push(signer)
    }
    known.sources.push(...entry.sources.filter((source) => !known.sources.includes(source)))
  }
  return [...merged.values()]
}

function keyFile(entries: readonly Entry[]): string {
  const text = `${JSON.stringify({ version: 1, keys: merge(entries) }, null, 2)}\n`
  parseIidKeys(Buffer.from(text), 'the new key file')
  return text
}

function readCertificate(path: string): X509Certificate {
  return new X509Certificate(readFileSync(path))
}

function importFolder(folder: string): void {
  const index = JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8')) as IndexEntry[]
  const entries = index
    .filter(({ retired }) => retired !== true)
    .map(({ region, kind, file, sources }) =>
      entryOf(readCertificate(join(folder, file)), region, formOfKind[kind], sources),
    )
  writeFileSync(output, keyFile(entries))
  console.log(`wrote ${String(merge(entries).length)} keys`)
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    region: { type: 'string' },
    form: { type: 'string' },
    source: { type: 'string', multiple: true, default: [] },
  },
})
const form = iidForms.find((known) => known === values.form)
const [first] = positionals
if (values.region === undefined && values.form === undefined && first !== undefined) {
  importFolder(first)
} else if (values.region !== undefined && form !== undefined && first !== undefined) {
  const { region, source } = values
  const entries = positionals.map((path) => entryOf(readCertificate(path), region, form, source))
  process.stdout.write(keyFile(entries))
} else {
  console.error('error: expected FOLDER, or --region R --form F CERTIFICATE.pem...')
  console.error(`hint: a form is one of ${iidForms.join(', ')}`)
  process.exitCode = 2
}
