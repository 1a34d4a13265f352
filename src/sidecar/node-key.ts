import { createPrivateKey, generateKeyPair, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import { codeOf, messageOf } from '../base/errors.ts'
import { SidecarError } from './sidecar-error.ts'
import type { StateDirectory } from './state-directory.ts'

const generate = promisify(generateKeyPair)
const fileName = 'node.key'

/** A new ECDSA P-256 key, generated off the event loop. */
export async function generateKey(): Promise<KeyObject> {
  const { privateKey } = await generate('ec', { namedCurve: 'P-256' })
  return privateKey
}

/** The key of this node: made at the first start, and the same ever after (PROTOCOL §3, Node key). */
export async function loadNodeKey(directory: StateDirectory): Promise<KeyObject> {
  const stored = await directory.read(fileName)
  if (stored !== undefined) return readKey(stored)
  const key = await generateKey()
  try {
    const pem = key.export({ format: 'pem', type: 'pkcs8' })
    await directory.create(fileName, Buffer.from(pem))
    return key
  } catch (error: unknown) {
    if (codeOf(error) !== 'EEXIST') throw error
    // Another sidecar on the same directory was faster; two keys for one node would be an incident.
    const theirs = await directory.read(fileName)
    if (theirs === undefined) throw error
    return readKey(theirs)
  }
}

function readKey(pem: Buffer): KeyObject {
  let key: KeyObject
  try {
    key = createPrivateKey(pem)
  } catch (cause: unknown) {
    throw new SidecarError('ERR_NODE_KEY', `${fileName}: not a private key: ${messageOf(cause)}`, {
      cause,
    })
  }
  if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') {
    throw new SidecarError(
      'ERR_NODE_KEY',
      `${fileName}: expected an ECDSA P-256 key, got ${String(key.asymmetricKeyType)}`,
    )
  }
  return key
}
