import {
  createCipheriv,
  createDecipheriv,
  hkdfSync,
  randomBytes,
  type KeyObject,
} from 'node:crypto'
import { messageOf } from '../base/errors.ts'
import { SidecarError } from './sidecar-error.ts'

/** What a sealed file is for: it is authenticated, so one cannot be put in the place of another. */
export interface SealPurpose {
  readonly trustDomain: string
  readonly workload: string
  readonly file: 'state' | 'highest'
}

const magic = Buffer.from('blazon-sealed-1\n')
const nonceBytes = 12
const tagBytes = 16

/** The sealing key, derived from the node key: state copied to another node does not open there. */
export function sealingKey(nodeKey: KeyObject): Buffer {
  const secret = nodeKey.export({ format: 'der', type: 'pkcs8' })
  return Buffer.from(hkdfSync('sha256', secret, 'blazon-sealed-state', 'aes-256-gcm', 32))
}

/** AES-256-GCM under the sealing key; the purpose is authenticated with it. */
export function seal(key: Buffer, purpose: SealPurpose, plain: Buffer): Buffer {
  const nonce = randomBytes(nonceBytes)
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes })
  cipher.setAAD(associatedData(purpose))
  return Buffer.concat([magic, nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
}

/** Opens what `seal` made; anything altered, cut or sealed for another purpose is `ERR_STATE_SEAL`. */
export function unseal(key: Buffer, purpose: SealPurpose, sealed: Buffer): Buffer {
  const body = magic.length + nonceBytes
  if (sealed.length < body + tagBytes || !sealed.subarray(0, magic.length).equals(magic)) {
    throw new SidecarError('ERR_STATE_SEAL', `sealed ${purpose.file}: not in the expected form`)
  }
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(magic.length, body), {
    authTagLength: tagBytes,
  })
  decipher.setAAD(associatedData(purpose))
  decipher.setAuthTag(sealed.subarray(sealed.length - tagBytes))
  try {
    const plain = decipher.update(sealed.subarray(body, sealed.length - tagBytes))
    return Buffer.concat([plain, decipher.final()])
  } catch (cause: unknown) {
    throw new SidecarError(
      'ERR_STATE_SEAL',
      `sealed ${purpose.file}: altered, or of another node key or workload: ${messageOf(cause)}`,
      { cause },
    )
  }
}

function associatedData({ trustDomain, workload, file }: SealPurpose): Buffer {
  return Buffer.from(JSON.stringify(['blazon-sealed-1', trustDomain, workload, file]))
}
