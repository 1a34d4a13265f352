import { quote } from '../base/errors.ts'
import { DerReader, derTag } from './der.ts'
import {
  decodeIdentityExtension,
  identityExtensionOidText,
  type WorkloadFacts,
} from './identity-extension.ts'
import { IdentityError } from './identity-error.ts'
import { oidBytes, oidText } from './oid.ts'

/** What the extensions of a certificate say (RFC 5280 4.2), as far as we go by it. */
export interface CertificateExtensions {
  readonly isCa: boolean
  readonly pathLength: number | undefined
  readonly keyUsage: ReadonlySet<string>
  /** Dotted object identifiers. */
  readonly extendedKeyUsage: ReadonlySet<string>
  readonly uris: readonly string[]
  /** Subject alternative names that are not URIs. */
  readonly otherNames: number
  readonly workload: WorkloadFacts | undefined
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }
type Found = Mutable<CertificateExtensions>

const maxExtensions = 32
const maxExtensionBytes = 65_536

type ReadExtension = (value: DerReader, found: Found) => void

/** The extensions we understand, by their identifier's octets. Whatever else is critical refuses the certificate. */
const readers: ReadonlyMap<string, ReadExtension> = new Map<string, ReadExtension>([
  [octetsOf('2.5.29.15'), readKeyUsage],
  [octetsOf('2.5.29.17'), readAlternativeNames],
  [octetsOf('2.5.29.19'), readBasicConstraints],
  [octetsOf('2.5.29.37'), readExtendedKeyUsage],
])
const nameConstraints = octetsOf('2.5.29.30')
const identity = octetsOf(identityExtensionOidText)

function octetsOf(dotted: string): string {
  return oidBytes(dotted).toString('latin1')
}

/** Reads the SEQUENCE OF Extension; throws `ERR_CERTIFICATE`, `ERR_DER`, or the identity decoder's errors. */
export function readExtensions(list: DerReader): CertificateExtensions {
  const found: Found = {
    isCa: false,
    pathLength: undefined,
    keyUsage: new Set(),
    extendedKeyUsage: new Set(),
    uris: [],
    otherNames: 0,
    workload: undefined,
  }
  const seen = new Set<string>()
  while (!list.isDone()) {
    list.sequence((extension) => {
      readExtension(extension, seen, found)
    })
    if (seen.size > maxExtensions) throw fault(`more than ${String(maxExtensions)} extensions`)
  }
  return found
}

function readExtension(extension: DerReader, seen: Set<string>, found: Found): void {
  const octets = extension.content(derTag.oid)
  const oid = octets.toString('latin1')
  if (seen.has(oid)) throw fault(`extension ${oidText(octets)} is there twice`)
  seen.add(oid)
  const critical = extension.peekTag() === derTag.boolean
  if (critical && !extension.boolean()) {
    throw fault(`extension ${oidText(octets)} encodes the default FALSE`)
  }
  const value = extension.content(derTag.octetString)
  if (oid === identity) {
    if (critical) throw fault('the identity extension is marked critical')
    found.workload = decodeIdentityExtension(value)
    return
  }
  const read = readers.get(oid)
  if (read !== undefined) {
    const reader = DerReader.open(value, maxExtensionBytes)
    read(reader, found)
    reader.finish()
  } else if (critical || oid === nameConstraints) {
    // Name constraints bind even where a sloppy CA left them uncritical, and we do not apply them.
    throw fault(`extension ${oidText(octets)} is one we would have to obey and do not know`)
  }
}

function readBasicConstraints(value: DerReader, found: Found): void {
  value.sequence((constraints) => {
    if (constraints.isDone()) return
    if (!constraints.boolean()) throw fault('basic constraints encode the default FALSE')
    found.isCa = true
    if (!constraints.isDone()) found.pathLength = constraints.unsigned()
  })
}

const keyUsageNames = [
  'digitalSignature',
  'nonRepudiation',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
]

/** A named bit list: trailing zero bits are cut off (X.690 11.2.2). */
function readKeyUsage(value: DerReader, found: Found): void {
  const [unused = 8, ...octets] = value.content(derTag.bitString)
  const last = octets.at(-1)
  if (last === undefined || unused > 7 || (last & ((2 << unused) - 1)) !== 1 << unused) {
    throw fault('key usage is not a bit list in shortest form')
  }
  const bits = octets.flatMap((octet) =>
    [128, 64, 32, 16, 8, 4, 2, 1].map((bit) => (octet & bit) !== 0),
  )
  const names = new Set<string>()
  bits.forEach((set, at) => {
    if (!set) return
    const name = keyUsageNames[at]
    if (name === undefined) throw fault(`key usage has the unknown bit ${String(at)}`)
    names.add(name)
  })
  found.keyUsage = names
}

function readExtendedKeyUsage(value: DerReader, found: Found): void {
  const oids = new Set<string>()
  value.sequence((list) => {
    while (!list.isDone()) oids.add(oidText(list.content(derTag.oid)))
  })
  if (oids.size === 0) throw fault('extended key usage is empty')
  found.extendedKeyUsage = oids
}

/** GeneralName choices (RFC 5280 4.2.1.6). */
const uriName = 0x86
const otherNameForms = new Set([0xa0, 0x81, 0x82, 0xa3, 0xa4, 0xa5, 0x87, 0x88])

function readAlternativeNames(value: DerReader, found: Found): void {
  const uris: string[] = []
  value.sequence((names) => {
    if (names.isDone()) throw fault('the list of alternative names is empty')
    while (!names.isDone()) {
      const form = names.peekTag() ?? 0
      if (form === uriName) uris.push(readUri(names))
      else if (otherNameForms.has(form)) {
        names.element()
        found.otherNames += 1
      } else throw fault(`an alternative name of unknown form ${String(form)}`)
    }
  })
  found.uris = uris
}

function readUri(names: DerReader): string {
  const uri = names.content(uriName).toString('latin1')
  if (!/^[\x21-\x7e]+$/.test(uri)) throw fault(`a URI that is not printable ASCII: ${quote(uri)}`)
  return uri
}

function fault(message: string): IdentityError {
  return new IdentityError('ERR_CERTIFICATE', `certificate refused: ${message}`)
}
