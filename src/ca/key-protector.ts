import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { CaError } from './errors.ts'

/**
 * Encrypts private keys for keeping at rest. `open()` throws `CaError`: ERR_SEALED_KEY for what no
 * `seal()` ever made, ERR_WRONG_KEY where this protector's key (or a changed byte) does not fit.
 */
export interface KeyProtector {
  seal(plain: Buffer): Promise<Buffer>
  open(sealed: Buffer): Promise<Buffer>
}

/** The bytes of a key that protects others. */
export const protectionKeyBytes = 32

const ivBytes = 12
const tagBytes = 16
/** First byte of a sealed key, so that a later format (or a passphrase) is told apart. */
const rawKeyFormat = 1

/**
 * Protects with AES-256-GCM under a given key, from a file or from the environment. `purpose` is
 * authenticated: what was sealed for one purpose does not open for another.
 */
export function createKeyProtector(options: {
  readonly key: Buffer
  readonly purpose: string
}): KeyProtector {
  const { key, purpose } = options
  if (key.length !== protectionKeyBytes) {
    throw new CaError(
      'ERR_KEY_FILE',
      `expected a protection key of ${String(protectionKeyBytes)} bytes, got ${String(key.length)}`,
    )
  }
  const header = Buffer.of(rawKeyFormat)
  return {
    seal: (plain) => Promise.resolve(sealWith({ key, purpose, header, plain })),
    open: (sealed) =>
      // In a promise, so that a refusal is a rejection.
      new Promise((resolve) => {
        if (sealed[0] !== rawKeyFormat) throw unknownFormat(sealed)
        resolve(openWith({ key, purpose, headerBytes: header.length, sealed }))
      }),
  }
}

/** The refusal of bytes whose first one names no format that this protector makes. */
export function unknownFormat(sealed: Buffer): CaError {
  const seen = sealed.length === 0 ? 'nothing' : `format ${String(sealed[0])}`
  return new CaError(
    'ERR_SEALED_KEY',
    `expected a key sealed by this kind of protector, got ${seen}`,
  )
}

/** header || iv || ciphertext || tag, with the purpose and the header authenticated. */
export function sealWith(input: {
  readonly key: Buffer
  readonly purpose: string
  readonly header: Buffer
  readonly plain: Buffer
}): Buffer {
  const iv = randomBytes(ivBytes)
  const cipher = createCipheriv('aes-256-gcm', input.key, iv, { authTagLength: tagBytes })
  cipher.setAAD(associatedData(input.purpose, input.header))
  const body = Buffer.concat([cipher.update(input.plain), cipher.final()])
  return Buffer.concat([input.header, iv, body, cipher.getAuthTag()])
}

/** The inverse of `sealWith()`; throws `CaError`. */
export function openWith(input: {
  readonly key: Buffer
  readonly purpose: string
  readonly headerBytes: number
  readonly sealed: Buffer
}): Buffer {
  const { sealed, headerBytes } = input
  const bodyStart = headerBytes + ivBytes
  if (sealed.length < bodyStart + tagBytes) {
    throw new CaError('ERR_SEALED_KEY', `sealed key is cut off at ${String(sealed.length)} bytes`)
  }
  const iv = sealed.subarray(headerBytes, bodyStart)
  const decipher = createDecipheriv('aes-256-gcm', input.key, iv, { authTagLength: tagBytes })
  decipher.setAAD(associatedData(input.purpose, sealed.subarray(0, headerBytes)))
  decipher.setAuthTag(sealed.subarray(sealed.length - tagBytes))
  try {
    const body = sealed.subarray(bodyStart, sealed.length - tagBytes)
    return Buffer.concat([decipher.update(body), decipher.final()])
  } catch (cause: unknown) {
    throw new CaError(
      'ERR_WRONG_KEY',
      'a sealed key does not open: it was sealed with another key file or passphrase, or was changed',
      { cause },
    )
  }
}

const associatedData = (purpose: string, header: Buffer): Buffer =>
  Buffer.concat([Buffer.from(`blazon-sealed-key\0${purpose}\0`), header])
