import { sign, type KeyObject } from 'node:crypto'
import {
  derBitString,
  derElement,
  derOid,
  derSequence,
  derSet,
  derUnsigned,
  derUtf8,
} from './der-write.ts'
import { oidBytes } from './oid.ts'
import { spkiOf } from './public-key.ts'

const commonNameOid = derOid(oidBytes('2.5.4.3'))
const ecdsaWithSha256 = derSequence(derOid(oidBytes('1.2.840.10045.4.3.2')))
const noAttributes = derElement(0xa0)

/**
 * A PKCS#10 request (RFC 2986), DER, for an ECDSA P-256 key. The CA takes the public key only; the
 * common name is for people who look at it.
 */
export function createCsr(privateKey: KeyObject, commonName = 'blazon workload'): Buffer {
  const name = derSequence(derSet(derSequence(commonNameOid, derUtf8(commonName))))
  const request = derSequence(derUnsigned(0), name, spkiOf(privateKey), noAttributes)
  const signature = sign('sha256', request, privateKey)
  return derSequence(request, ecdsaWithSha256, derBitString(signature))
}
