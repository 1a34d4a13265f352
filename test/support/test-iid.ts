import { createPrivateKey, createPublicKey, hash, sign, type KeyObject } from 'node:crypto'
import { readFileSync } from 'node:fs'
import {
  derElement,
  derOctetString,
  derOid,
  derSequence,
  derSet,
  derTag,
  derUnsigned,
  oidBytes,
} from '../../src/identity/index.ts'
import {
  algorithm,
  attribute,
  distinguishedName,
  oids,
  utcTime,
  writeDocument,
  type AlgorithmParameters,
} from '../../src/demo/signed-document.ts'
import {
  kindOf,
  parseIidKeys,
  type IidEvidence,
  type IidForm,
  type IidKeys,
} from '../../src/attest/iid/index.ts'

export { algorithm, attribute, oids, utcTime } from '../../src/demo/signed-document.ts'

/** A region that signs documents, for tests: its keys are trusted by nothing else. */
export interface TestRegion {
  readonly name: string
  /** The only certificate of each of its keys. */
  readonly serial: Buffer
  readonly keys: Readonly<Record<IidForm, KeyObject>>
}

const stored = JSON.parse(
  readFileSync(new URL('../vectors/iid/test-keys.json', import.meta.url), 'utf8'),
) as Readonly<Record<IidForm, readonly string[]>>

function storedKey(form: IidForm, index: number): KeyObject {
  const der = Buffer.from(stored[form][index] ?? '', 'base64')
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
}

function region(name: string, index: number): TestRegion {
  return {
    name,
    serial: Buffer.from(
      `00b1a2${name.length.toString(16).padStart(2, '0')}0${String(index)}`,
      'hex',
    ),
    // As with AWS, the keys of the weak forms are shared by regions.
    keys: {
      rsa2048: storedKey('rsa2048', index),
      pkcs7: storedKey('pkcs7', 0),
      signature: storedKey('signature', 0),
    },
  }
}

export const northRegion: TestRegion = region('test-north-1', 0)
export const southRegion: TestRegion = region('test-south-1', 1)

const issuerText = 'C=US, O=Test Web Services'
const signerName = distinguishedName('US', 'Test Web Services')

/** A key file (docs/aws-iid-keys.md) with the keys of these regions, as an operator could write it. */
export function testKeyFile(
  regions: readonly TestRegion[] = [northRegion, southRegion],
  forms: readonly IidForm[] = ['rsa2048', 'pkcs7', 'signature'],
): string {
  const keys = regions.flatMap(({ name, serial, keys: privateKeys }) =>
    forms.map((form) => {
      const publicKey = createPublicKey(privateKeys[form])
      const spki = publicKey.export({ type: 'spki', format: 'der' })
      return {
        region: name,
        form,
        key: kindOf(publicKey),
        signers: [{ issuer: issuerText, serial: serial.toString('hex').replace(/^0+/, '') }],
        spki: spki.toString('base64'),
        spkiSha256: hash('sha256', spki),
        sources: ['test'],
      }
    }),
  )
  return JSON.stringify({ version: 1, keys })
}

/** The keys of the test regions, and of no other. */
export function testIidKeys(regions?: readonly TestRegion[], forms?: readonly IidForm[]): IidKeys {
  return parseIidKeys(Buffer.from(testKeyFile(regions, forms)), 'the test keys')
}

/** A document as AWS writes it, with these fields in place of the usual ones; undefined leaves one out. */
export function testDocument(
  fields: Readonly<Record<string, unknown>> = {},
  inRegion: TestRegion = northRegion,
): Buffer {
  return writeDocument({
    accountId: '123456789012',
    architecture: 'arm64',
    availabilityZone: `${inRegion.name}a`,
    billingProducts: null,
    devpayProductCodes: null,
    marketplaceProductCodes: null,
    imageId: 'ami-0cbde744623b7506b',
    instanceId: 'i-0c5541936caf78c12',
    instanceType: 't4g.small',
    kernelId: null,
    pendingTime: '2026-02-16T00:38:27Z',
    privateIp: '10.0.1.242',
    ramdiskId: null,
    region: inRegion.name,
    version: '2017-09-30',
    ...fields,
  })
}

/** An element of indefinite length, as AWS writes the outer ones. */
export function indefinite(tag: number, ...content: readonly Buffer[]): Buffer {
  return Buffer.concat([Buffer.of(tag, 0x80), ...content, Buffer.alloc(2)])
}

/** What a blob can be made to differ in from what AWS would sign. */
export interface BlobOptions {
  readonly form: 'rsa2048' | 'pkcs7'
  readonly region?: TestRegion
  readonly document?: Buffer
  /** Whose key signs; by default the region's for the form. */
  readonly signingKey?: KeyObject
  /** Lengths of the outer structures. */
  readonly lengths?: 'indefinite' | 'definite'
  /** The content as an element of its own making, undefined for the usual OCTET STRING. */
  readonly content?: Buffer
  readonly outerType?: string
  readonly contentType?: string
  readonly version?: Buffer
  readonly signerVersion?: Buffer
  /** The digest that is computed and named, everywhere. */
  readonly digest?: 'sha1' | 'sha256'
  readonly digestParameters?: AlgorithmParameters
  readonly signatureOid?: string
  readonly signatureParameters?: AlgorithmParameters
  /** The SET of digest algorithms, usually the signer's alone. */
  readonly digests?: (usual: Buffer) => readonly Buffer[]
  readonly issuer?: Buffer
  /** INTEGER content. */
  readonly serial?: Buffer
  /** Changes the signed attributes before they are sorted and signed. */
  readonly attributes?: (usual: readonly Buffer[]) => readonly Buffer[]
  readonly keepOrder?: boolean
  /** The `[0]` element in place of the usual one; empty to leave it out. */
  readonly attributesElement?: (usual: Buffer) => Buffer
  /** Elements between content and signers: certificates `[0]`, revocation lists `[1]`. */
  readonly embedded?: readonly Buffer[]
  /** Elements after the signature: unsigned attributes `[1]`. */
  readonly afterSignature?: readonly Buffer[]
  readonly signers?: (usual: Buffer) => readonly Buffer[]
  /** Elements after the signers. */
  readonly afterSigners?: readonly Buffer[]
}

/** A PKCS#7 blob as AWS makes it, or one that differs from that in exactly the ways that are asked for. */
export function mintBlob(options: BlobOptions): Buffer {
  const document = options.document ?? testDocument({}, options.region)
  const outer = options.lengths === 'definite' ? derElement : indefinite
  const content =
    options.content ??
    (options.lengths === 'definite'
      ? derOctetString(document)
      : indefinite(0x24, derOctetString(document)))
  const { digestAlgorithm } = namesOf(options)
  const signer = mintSigner(options, document)
  return outer(
    0x30,
    derOid(oidBytes(options.outerType ?? oids.signedData)),
    outer(
      0xa0,
      outer(
        0x30,
        options.version ?? derUnsigned(1),
        derSet(...(options.digests?.(digestAlgorithm) ?? [digestAlgorithm])),
        outer(
          0x30,
          derOid(oidBytes(options.contentType ?? oids.data)),
          ...(content.length === 0 ? [] : [outer(0xa0, content)]),
        ),
        ...(options.embedded ?? []),
        derSet(...(options.signers?.(signer) ?? [signer])),
        ...(options.afterSigners ?? []),
      ),
    ),
  )
}

function namesOf(options: BlobOptions): {
  readonly digest: 'sha1' | 'sha256'
  readonly digestAlgorithm: Buffer
  readonly signatureOid: string
} {
  const isRsa = options.form === 'rsa2048'
  const digest = options.digest ?? (isRsa ? 'sha256' : 'sha1')
  return {
    digest,
    digestAlgorithm: algorithm(oids[digest], options.digestParameters ?? 'null'),
    signatureOid: options.signatureOid ?? (isRsa ? oids.sha256WithRsa : oids.dsaWithSha1),
  }
}

function mintSigner(options: BlobOptions, document: Buffer): Buffer {
  const inRegion = options.region ?? northRegion
  const { digest, digestAlgorithm, signatureOid } = namesOf(options)
  const usual = [
    attribute(oids.contentType, derOid(oidBytes(oids.data))),
    attribute(oids.signingTime, utcTime('260216003828Z')),
    attribute(oids.messageDigest, derOctetString(hash(digest, document, 'buffer'))),
    attribute(
      oids.algorithmProtection,
      derSequence(algorithm(oids[digest], 'null'), algorithm(signatureOid, 'absent', 0xa1)),
    ),
  ]
  const chosen = [...(options.attributes?.(usual) ?? usual)]
  if (options.keepOrder !== true) chosen.sort((a, b) => Buffer.compare(a, b))
  const element = derElement(0xa0, ...chosen)
  const signature = sign(digest, derSet(...chosen), {
    key: options.signingKey ?? inRegion.keys[options.form],
    dsaEncoding: 'der',
  })
  return derSequence(
    options.signerVersion ?? derUnsigned(1),
    derSequence(
      options.issuer ?? signerName,
      derElement(derTag.integer, options.serial ?? inRegion.serial),
    ),
    digestAlgorithm,
    options.attributesElement?.(element) ?? element,
    algorithm(signatureOid, options.signatureParameters ?? 'absent'),
    derOctetString(signature),
    ...(options.afterSignature ?? []),
  )
}

/** A document and its detached signature, base64 as it is served. */
export function signDetached(
  document: Buffer = testDocument(),
  inRegion: TestRegion = northRegion,
): { readonly document: Buffer; readonly signature: Buffer } {
  return { document, signature: sign('sha256', document, inRegion.keys.signature) }
}

/** A well-formed evidence in any form, for what comes after the verification. */
export function mintIid(
  form: IidForm,
  fields: Readonly<Record<string, unknown>> = {},
  inRegion: TestRegion = northRegion,
): IidEvidence {
  const document = testDocument(fields, inRegion)
  return form === 'signature'
    ? { form, ...signDetached(document, inRegion) }
    : { form, blob: mintBlob({ form, region: inRegion, document }) }
}
