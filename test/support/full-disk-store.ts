import { openStore, type Store } from '../../src/controller/store/store.ts'
import { StoreError } from '../../src/controller/store/store-error.ts'

/** A real store whose disk can be filled up: then it reads, and writes nothing. */
export function createFullDisk(): {
  isFull: boolean
  readonly open: (file: string) => Promise<Store>
} {
  const disk = {
    isFull: false,
    open: async (file: string): Promise<Store> => {
      const store = await openStore(file)
      return {
        tables: store.tables,
        change: async (work) => {
          if (disk.isFull) throw new StoreError('ERR_STORE_FULL', 'the disk of the store is full')
          return store.change(work)
        },
        [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
      }
    },
  }
  return disk
}
