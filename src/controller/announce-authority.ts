import { writeBundleFile } from './bundle-file.ts'
import type { Core } from './core.ts'
import type { CertificateKeeper } from './server/certificate-keeper.ts'

/** What has to be done once issuers have changed: everybody is told, and the controller certified anew. */
export function createAnnounceAuthority(
  core: Core,
  dataDirectory: string,
  keeper: CertificateKeeper,
): () => Promise<void> {
  return async () => {
    await pushBundle(core)
    await writeBundleFile(dataDirectory, core.authority.bundle())
    await keeper.renew()
  }
}

/** Gives the bundle a version of its own and sends it to everybody. */
async function pushBundle({ store, changes, book, distributor }: Core): Promise<void> {
  await changes.run(async () => {
    const apply = await store.change((tables) => book.bump(tables))
    apply()
  })
  await distributor.bundleChanged()
}
