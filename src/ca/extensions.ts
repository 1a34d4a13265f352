import { hash } from 'node:crypto'
import { DerReader, derTag } from '../identity/der.ts'
import { derElement, derOctetString, derSequence } from '../identity/der-write.ts'
import { encodeIdentityExtension, identityExtensionOid } from '../identity/identity-extension.ts'
import type { WorkloadFacts } from '../identity/identity-extension.ts'
import {
  bitString,
  boolean,
  implicit,
  integer,
  objectIdentifier,
  oidContent,
  sequence,
  toDer,
} from './asn1.ts'
import { CaError } from './errors.ts'

/** One X.509 extension, ready to be written: OID content bytes, and the DER inside extnValue. */
export interface Extension {
  readonly oid: Buffer
  readonly critical: boolean
  readonly value: Buffer
}

const oids = {
  subjectKeyIdentifier: oidContent('2.5.29.14'),
  keyUsage: oidContent('2.5.29.15'),
  subjectAltName: oidContent('2.5.29.17'),
  basicConstraints: oidContent('2.5.29.19'),
  authorityKeyIdentifier: oidContent('2.5.29.35'),
  extendedKeyUsage: oidContent('2.5.29.37'),
}

/** Bit numbers of RFC 5280 4.2.1.3. */
const keyUsageBits = {
  digitalSignature: 0,
  keyEncipherment: 2,
  keyAgreement: 4,
  keyCertSign: 5,
  cRLSign: 6,
} as const

export type KeyUsage = keyof typeof keyUsageBits

export type Purpose = 'serverAuth' | 'clientAuth' | 'codeSigning'

const purposes: Readonly<Record<Purpose, Buffer>> = {
  serverAuth: oidContent('1.3.6.1.5.5.7.3.1'),
  clientAuth: oidContent('1.3.6.1.5.5.7.3.2'),
  codeSigning: oidContent('1.3.6.1.5.5.7.3.3'),
}

/** Critical BasicConstraints; a leaf carries it too, so that nobody has to guess (RFC 5280 4.2.1.9). */
export function basicConstraints(ca: false | { readonly pathLength?: number }): Extension {
  const parts = ca === false ? [] : [boolean(true)]
  if (ca !== false && ca.pathLength !== undefined) parts.push(integer(Buffer.of(ca.pathLength)))
  return { oid: oids.basicConstraints, critical: true, value: toDer(sequence(...parts)) }
}

/** Critical KeyUsage. */
export function keyUsage(...usages: readonly KeyUsage[]): Extension {
  const bits = usages.reduce((sum, usage) => sum | (0x80 >> keyUsageBits[usage]), 0)
  // DER: a named bit list has no trailing zero bits (X.690 11.2.2).
  const unused = bits === 0 ? 0 : Math.clz32(bits & -bits) ^ 31
  const content = bits === 0 ? Buffer.alloc(0) : Buffer.of(bits)
  return { oid: oids.keyUsage, critical: true, value: toDer(bitString(content, unused)) }
}

export function extendedKeyUsage(...names: readonly Purpose[]): Extension {
  const list = names.map((name) => objectIdentifier(purposes[name]))
  return { oid: oids.extendedKeyUsage, critical: false, value: toDer(sequence(...list)) }
}

export type AlternativeName = { readonly uri: string } | { readonly dns: string }

/** SubjectAltName; has to be critical where the subject is empty (RFC 5280 4.2.1.6). */
export function subjectAltName(names: readonly AlternativeName[], critical = false): Extension {
  const list = names.map((name) =>
    'uri' in name
      ? derElement(alternativeNames.uri, Buffer.from(name.uri))
      : derElement(alternativeNames.dns, Buffer.from(name.dns)),
  )
  return { oid: oids.subjectAltName, critical, value: derSequence(...list) }
}

/** Implicit context tags of a GeneralName (RFC 5280 4.2.1.6). */
const alternativeNames = { dns: 0x82, uri: 0x86 }

const maxSpkiBytes = 1_024

/** Leftmost 160 bits of SHA-256 over the public key's bits: RFC 7093 section 2, method 1. */
function keyIdentifier(spki: Buffer): Buffer {
  return hash('sha256', publicKeyBits(spki), 'buffer').subarray(0, 20)
}

function publicKeyBits(spki: Buffer): Buffer {
  try {
    return DerReader.open(spki, maxSpkiBytes).sequence((key) => {
      key.element(derTag.sequence)
      // The first octet counts the unused bits, of which there are none.
      return key.content(derTag.bitString).subarray(1)
    })
  } catch (cause: unknown) {
    throw new CaError('ERR_PUBLIC_KEY', 'expected a SubjectPublicKeyInfo', { cause })
  }
}

export function subjectKeyIdentifier(spki: Buffer): Extension {
  const value = derOctetString(keyIdentifier(spki))
  return { oid: oids.subjectKeyIdentifier, critical: false, value }
}

// An issuer signs many leaves, and this is the same in all of them.
const ofIssuers = new WeakMap<Buffer, Extension>()

export function authorityKeyIdentifier(issuerSpki: Buffer): Extension {
  const known = ofIssuers.get(issuerSpki)
  if (known !== undefined) return known
  const value = toDer(sequence(implicit(0, keyIdentifier(issuerSpki))))
  const extension = { oid: oids.authorityKeyIdentifier, critical: false, value }
  ofIssuers.set(issuerSpki, extension)
  return extension
}

/** Our own extension with workload id, generation, profile digest and public profile (PROTOCOL 2). */
export function identityExtension(facts: WorkloadFacts): Extension {
  return { oid: identityExtensionOid, critical: false, value: encodeIdentityExtension(facts) }
}
