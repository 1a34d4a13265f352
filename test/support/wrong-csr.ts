import { sign, type KeyObject } from 'node:crypto'
import { derOid, derSequence, derSet, derUtf8 } from '../../src/identity/der-write.ts'
import {
  bitString,
  explicit,
  fromDer,
  integer,
  objectIdentifier,
  oidContent,
  sequence,
  toDer,
  type Asn1Node,
} from '../../src/ca/asn1.ts'

/** A PKCS#10 request that may be wrong in one way or another. */
export interface CsrFaults {
  readonly spki: Buffer
  /** Who signs; the owner of `spki` in a right request. */
  readonly signer: KeyObject
  readonly version?: number
  /** Dotted; ecdsa-with-SHA256 if left out. */
  readonly algorithm?: string
  readonly algorithmParameters?: readonly Asn1Node[]
  readonly unusedBits?: number
  readonly digest?: string
  /** More children at the end of the outer sequence. */
  readonly extra?: readonly Asn1Node[]
}

export function makeCsr(faults: CsrFaults): Buffer {
  const commonName = derSequence(derOid(oidContent('2.5.4.3')), derUtf8('web'))
  const info = sequence(
    integer(Buffer.of(faults.version ?? 0)),
    fromDer(derSequence(derSet(commonName))),
    fromDer(faults.spki),
    explicit(0, sequence()),
  )
  const algorithm = objectIdentifier(oidContent(faults.algorithm ?? '1.2.840.10045.4.3.2'))
  const signature = sign(faults.digest ?? 'sha256', toDer(info), faults.signer)
  return toDer(
    sequence(
      info,
      sequence(algorithm, ...(faults.algorithmParameters ?? [])),
      bitString(signature, faults.unusedBits ?? 0),
      ...(faults.extra ?? []),
    ),
  )
}
