import { createPrivateKey, sign, type KeyObject, type X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { x509Transcript } from '../attest/transcript.ts'
import { messageOf, quote } from '../base/errors.ts'
import { evidenceCodec } from '../rpc/index.ts'
import type { X509Files } from './evidence-choice.ts'
import type { PreparedEvidence } from './evidence-source.ts'
import { readCertificatesPem } from './pem.ts'
import { SidecarError } from './sidecar-error.ts'

const longestChain = 5

/** A certificate of a CA that the controller knows, read anew: whoever issues it may have replaced it. */
export async function x509Evidence(
  { chainFile, keyFile }: X509Files,
  signal: AbortSignal,
): Promise<PreparedEvidence> {
  const chain = await reading(chainFile, 'a PEM chain (leaf first)', async () =>
    readChain(await readFile(chainFile, { encoding: 'utf8', signal })),
  )
  const key = await reading(keyFile, 'the PEM key of that chain', async () =>
    readKey(await readFile(keyFile, { signal }), chain),
  )
  const ders = chain.map(({ raw }) => raw)
  return (around) => {
    const transcript = x509Transcript({ ...around, chain: ders })
    const digest = key.asymmetricKeyType === 'ed25519' ? null : 'sha256'
    const signature = sign(digest, transcript, { key, dsaEncoding: 'der' })
    return evidenceCodec.encode({ x509: { chain: ders, signature } })
  }
}

function readChain(pem: string): readonly X509Certificate[] {
  const chain = readCertificatesPem(pem)
  if (chain.length > 0 && chain.length <= longestChain) return chain
  throw new Error(`expected 1 to ${String(longestChain)} certificates, got ${String(chain.length)}`)
}

/** Of whatever kind: it is another CA's certificate. */
function readKey(pem: Buffer, [leaf]: readonly X509Certificate[]): KeyObject {
  const key = createPrivateKey(pem)
  if (leaf?.checkPrivateKey(key) === true) return key
  throw new Error('it is the key of another certificate')
}

async function reading<T>(path: string, what: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (cause: unknown) {
    throw new SidecarError(
      'ERR_NO_EVIDENCE',
      `expected ${what} in ${quote(path)}: ${messageOf(cause)}`,
      { cause },
    )
  }
}
