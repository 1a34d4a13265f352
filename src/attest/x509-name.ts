import { DerReader, derTag } from '../identity/der.ts'
import { oidBytes } from '../identity/oid.ts'

/** The fields of a certificate that name who holds it, each in the order in which they stand. */
export interface CertificateNames {
  readonly commonNames: readonly string[]
  readonly organizations: readonly string[]
  readonly units: readonly string[]
  readonly dnsNames: readonly string[]
  readonly uris: readonly string[]
}

type NameField = 'commonNames' | 'organizations' | 'units'

const nameFields: readonly (readonly [NameField, Buffer])[] = [
  ['commonNames', oidBytes('2.5.4.3')],
  ['organizations', oidBytes('2.5.4.10')],
  ['units', oidBytes('2.5.4.11')],
]

const printableString = 0x13
const ia5Characters = /^[\x20-\x7e]*$/
const mostNames = 32

/** Reads a subject (RFC 5280 4.1.2.6). Other fields are passed over. Throws `IdentityError`. */
export function readSubjectNames(subject: DerReader): Record<NameField, string[]> {
  const names: Record<NameField, string[]> = { commonNames: [], organizations: [], units: [] }
  while (!subject.isDone()) {
    const set = subject.enter(derTag.set)
    while (!set.isDone()) {
      set.sequence((pair) => {
        const type = pair.content(derTag.oid)
        const field = nameFields.find(([, oid]) => oid.equals(type))?.[0]
        const value = readDirectoryText(pair)
        if (field !== undefined && value !== undefined) names[field].push(value)
      })
    }
  }
  return names
}

/** UTF8String and PrintableString; the older string types are for names that we do not read. */
function readDirectoryText(pair: DerReader): string | undefined {
  const tag = pair.peekTag()
  if (tag === derTag.utf8String) return pair.utf8()
  if (tag === printableString) return pair.content(printableString).toString('latin1')
  pair.element()
  return undefined
}

const dnsName = 0x82
const uri = 0x86

/** Reads the content of a subjectAltName (RFC 5280 4.2.1.6). Throws `IdentityError`. */
export function readAlternativeNames(
  content: Buffer,
): Pick<CertificateNames, 'dnsNames' | 'uris'> | undefined {
  const dnsNames: string[] = []
  const uris: string[] = []
  const reader = DerReader.open(content, content.length)
  reader.sequence((names) => {
    while (!names.isDone()) {
      const tag = names.peekTag() ?? 0
      const value = (tag & 0x20) === 0 ? names.content(tag) : names.element()
      if (tag === dnsName) dnsNames.push(value.toString('latin1'))
      if (tag === uri) uris.push(value.toString('latin1'))
    }
  })
  reader.finish()
  const all = [...dnsNames, ...uris]
  const isGood = all.length <= mostNames && all.every((name) => ia5Characters.test(name))
  return isGood ? { dnsNames, uris } : undefined
}
