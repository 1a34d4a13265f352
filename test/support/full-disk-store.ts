import { openStore, type Store } from '../../src/controller/store/store.ts'
import { StoreError } from '../../src/controller/store/store-error.ts'

/** A real store whose disk can be filled up, and then writes nothing; or be slow. */
export function createFullDisk(): {
  isFull: boolean
  /** Has the next change wait for `release`; `begun` fulfils once it does. */
  readonly hold: () => { readonly begun: Promise<undefined>; readonly release: () => void }
  readonly open: (file: string) => Promise<Store>
} {
  let next: (() => Promise<undefined>) | undefined
  const disk = {
    isFull: false,
    hold: () => {
      const [begun, released] = [
        Promise.withResolvers<undefined>(),
        Promise.withResolvers<undefined>(),
      ]
      next = () => {
        begun.resolve(undefined)
        return released.promise
      }
      return {
        begun: begun.promise,
        release: () => {
          released.resolve(undefined)
        },
      }
    },
    open: async (file: string): Promise<Store> => {
      const store = await openStore(file)
      return {
        tables: store.tables,
        change: async (work) => {
          const wait = next
          next = undefined
          await wait?.()
          if (disk.isFull) throw new StoreError('ERR_STORE_FULL', 'the disk of the store is full')
          return store.change(work)
        },
        [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
      }
    },
  }
  return disk
}
