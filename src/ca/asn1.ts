import forge from 'node-forge'
import { derTag } from '../identity/der.ts'
import { derElement } from '../identity/der-write.ts'

// forge's ASN.1 tree in few words. forge carries bytes as "binary strings" (one character per byte);
// they stay inside this file: everything it gives and takes is a Buffer or a tree.
const { asn1 } = forge
const { Type } = asn1

/** One node of forge's ASN.1 tree. */
export type Asn1Node = forge.asn1.Asn1

// The published types have only the universal types, but a context tag stands in the same place.
const create: (
  tagClass: forge.asn1.Class,
  type: number,
  constructed: boolean,
  value: string | Asn1Node[],
) => Asn1Node = asn1.create

const primitive = (type: forge.asn1.Type, content: string): Asn1Node =>
  create(asn1.Class.UNIVERSAL, type, false, content)

const binary = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')

export const sequence = (...children: Asn1Node[]): Asn1Node =>
  create(asn1.Class.UNIVERSAL, Type.SEQUENCE, true, children)

/** A BOOLEAN, by DER: all bits set or none. */
export const boolean = (value: boolean): Asn1Node =>
  primitive(Type.BOOLEAN, value ? '\xff' : '\x00')

/** An INTEGER from its two's complement content, most significant byte first, already minimal. */
export const integer = (content: Uint8Array): Asn1Node => primitive(Type.INTEGER, binary(content))

export const octetString = (content: Uint8Array): Asn1Node =>
  primitive(Type.OCTETSTRING, binary(content))

/** A BIT STRING; `unusedBits` counts those at the end of the last byte. */
export const bitString = (content: Uint8Array, unusedBits = 0): Asn1Node =>
  primitive(Type.BITSTRING, String.fromCharCode(unusedBits) + binary(content))

/** An OBJECT IDENTIFIER from its content bytes: forge cannot encode arcs as large as those of 2.25. */
export const objectIdentifier = (content: Uint8Array): Asn1Node =>
  primitive(Type.OID, binary(content))

/** A primitive with a context tag and an IMPLICIT type. */
export const implicit = (tag: number, content: Uint8Array): Asn1Node =>
  create(asn1.Class.CONTEXT_SPECIFIC, tag, false, binary(content))

/** A constructed node with a context tag around `child`. */
export const explicit = (tag: number, child: Asn1Node): Asn1Node =>
  create(asn1.Class.CONTEXT_SPECIFIC, tag, true, [child])

const firstGeneralizedTime = Date.UTC(2050, 0, 1)

/** A Time by RFC 5280 4.1.2.5, in DER: UTCTime until 2049, GeneralizedTime from 2050; milliseconds are cut off. */
export const time = (ms: number): Buffer =>
  ms < firstGeneralizedTime
    ? derElement(derTag.utcTime, Buffer.from(asn1.dateToUtcTime(new Date(ms))))
    : derElement(derTag.generalizedTime, Buffer.from(asn1.dateToGeneralizedTime(new Date(ms))))

/** Content bytes of an OBJECT IDENTIFIER given in dots; every arc has to fit in 32 bits. */
export const oidContent = (dotted: string): Buffer =>
  Buffer.from(asn1.oidToDer(dotted).getBytes(), 'latin1')

export const toDer = (node: Asn1Node): Buffer => Buffer.from(asn1.toDer(node).getBytes(), 'latin1')

// The published types know only the older boolean second parameter.
const parse = asn1.fromDer as unknown as (
  bytes: string,
  options: { strict: boolean; parseAllBytes: boolean; decodeBitStrings: boolean },
) => Asn1Node

/** Parses exactly one element that fills `der`; throws forge's own error. */
export const fromDer = (der: Uint8Array): Asn1Node =>
  parse(binary(der), { strict: true, parseAllBytes: true, decodeBitStrings: false })

/** The children of a constructed SEQUENCE, or undefined for anything else. */
export function childrenOf(node: Asn1Node | undefined): readonly Asn1Node[] | undefined {
  const isSequence =
    node?.tagClass === asn1.Class.UNIVERSAL && node.type === Type.SEQUENCE && node.constructed
  return isSequence && Array.isArray(node.value) ? node.value : undefined
}

/** The content of a primitive node of this universal type, or undefined for anything else. */
export function contentOf(
  node: Asn1Node | undefined,
  type: 'INTEGER' | 'OID' | 'BITSTRING',
): Buffer | undefined {
  const isAsked =
    node?.tagClass === asn1.Class.UNIVERSAL && node.type === Type[type] && !node.constructed
  return isAsked && typeof node.value === 'string' ? Buffer.from(node.value, 'latin1') : undefined
}
