import { writeBundleFile } from './bundle-file.ts'
import type { Core } from './core.ts'
import { createSerialQueue } from './serial-queue.ts'
import type { CertificateKeeper } from './server/certificate-keeper.ts'

/**
 * What has to be done once issuers have changed: everybody is told, and the controller certified anew.
 * To be called again and again, for what has failed: it does nothing where all is done.
 */
export function createAnnounceAuthority(
  core: Core,
  dataDirectory: string,
  keeper: CertificateKeeper,
): () => Promise<void> {
  let announced = core.authority.bundle().version
  const turns = createSerialQueue()
  const announce = async (): Promise<void> => {
    const bundle = core.authority.bundle()
    if (bundle.version === announced) return
    try {
      await pushBundle(core)
      await keeper.renew()
      await writeBundleFile(dataDirectory, bundle)
      announced = bundle.version
    } catch (error: unknown) {
      core.log.error({ error }, 'issuers not made known, will be tried again')
    }
  }
  return () => turns.run(announce)
}

/** Gives the bundle a version of its own and sends it to everybody. */
async function pushBundle({ store, changes, book, distributor }: Core): Promise<void> {
  await changes.run(async () => {
    const apply = await store.change((tables) => book.bump(tables))
    apply()
  })
  await distributor.bundleChanged()
}
