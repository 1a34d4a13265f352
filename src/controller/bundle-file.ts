import { open, rename } from 'node:fs/promises'
import { join } from 'node:path'
import type { TrustBundle } from '../identity/index.ts'
import { toPem } from './server/own-certificate.ts'

/** Writes the roots to `bundle.pem`, for whoever is to know this controller; returns the path. */
export async function writeBundleFile(directory: string, bundle: TrustBundle): Promise<string> {
  const path = join(directory, 'bundle.pem')
  const draft = `${path}.new`
  {
    await using file = await open(draft, 'w', 0o644)
    await file.writeFile(bundle.roots.map(toPem).join(''))
    await file.sync()
  }
  await rename(draft, path)
  return path
}
