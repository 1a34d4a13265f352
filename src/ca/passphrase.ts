import { randomBytes, scrypt } from 'node:crypto'
import { CaError } from './errors.ts'
import { openWith, protectionKeyBytes, sealWith, unknownFormat } from './key-protector.ts'
import type { KeyProtector } from './key-protector.ts'

const format = 2
const saltBytes = 16
/** format, log2 of the work factor, salt. */
const headerBytes = 2 + saltBytes
/** scrypt N = 2^17, r = 8, p = 1: 128 MiB and about a third of a second, as OWASP advises. */
const defaultLogN = 17
// A stored header must not make the controller allocate without bound: 2^20 is 1 GiB.
const highestLogN = 20

/**
 * Protects under a passphrase, stretched with scrypt. One salt per life of the protector, so that
 * stretching is done once for sealing and once for each salt met when opening.
 */
export function createPassphraseProtector(options: {
  readonly passphrase: string
  readonly purpose: string
  /** log2 of scrypt's N. */
  readonly workFactor?: number
}): KeyProtector {
  const { passphrase, purpose } = options
  if (passphrase === '') throw new CaError('ERR_KEY_FILE', 'expected a passphrase, got none')
  const header = Buffer.concat([
    Buffer.of(format, options.workFactor ?? defaultLogN),
    randomBytes(saltBytes),
  ])
  const stretched = new Map<string, Promise<Buffer>>()
  const keyFor = (wanted: Buffer): Promise<Buffer> => {
    const name = wanted.toString('hex')
    const key = stretched.get(name) ?? stretch(passphrase, wanted)
    stretched.set(name, key)
    return key
  }
  return {
    seal: async (plain) => sealWith({ key: await keyFor(header), purpose, header, plain }),
    open: async (sealed) => {
      if (sealed[0] !== format) throw unknownFormat(sealed)
      const found = checkHeader(sealed)
      return openWith({ key: await keyFor(found), purpose, headerBytes, sealed })
    },
  }
}

function checkHeader(sealed: Buffer): Buffer {
  const logN = sealed[1] ?? 0
  if (sealed.length < headerBytes || logN < 1 || logN > highestLogN) {
    throw new CaError(
      'ERR_SEALED_KEY',
      `expected a work factor of 1 to ${String(highestLogN)} and a salt in a sealed key, got ${String(logN)} in ${String(sealed.length)} bytes`,
    )
  }
  return sealed.subarray(0, headerBytes)
}

function stretch(passphrase: string, header: Buffer): Promise<Buffer> {
  const N = 2 ** (header[1] ?? 0)
  const cost = { N, r: 8, p: 1, maxmem: 256 * N * 8 }
  const salt = header.subarray(2)
  return new Promise((resolve, reject) => {
    scrypt(passphrase.normalize('NFC'), salt, protectionKeyBytes, cost, (error, key) => {
      if (error === null) resolve(key)
      else reject(new CaError('ERR_WRONG_KEY', 'cannot stretch the passphrase', { cause: error }))
    })
  })
}
