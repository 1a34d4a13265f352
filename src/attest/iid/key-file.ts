import { readFile } from 'node:fs/promises'
import { AttestError } from '../errors.ts'
import { mergeIidKeys, parseIidKeys, type IidKeys } from './keys.ts'

const pinnedFile = new URL('../../../data/aws-iid-keys.json', import.meta.url)

/**
 * The keys that come with the project and, merged into them, those of an operator's own file. To be
 * read once at start. Throws `ERR_IID_KEYS` for a file that cannot be used.
 */
export async function loadIidKeys(additionalFile?: string): Promise<IidKeys> {
  const pinned = parseIidKeys(await readFile(pinnedFile), 'data/aws-iid-keys.json')
  if (additionalFile === undefined) return pinned
  const bytes = await readFile(additionalFile).catch((cause: unknown) => {
    throw new AttestError('ERR_IID_KEYS', `cannot read ${additionalFile}`, { cause })
  })
  return mergeIidKeys(pinned, parseIidKeys(bytes, additionalFile), additionalFile)
}
