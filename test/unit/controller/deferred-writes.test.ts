import { expect } from 'chai'
import { silentLogger } from '../../../src/base/logger.ts'
import { StoreError } from '../../../src/controller/store/store-error.ts'
import type { Tables } from '../../../src/controller/store/store.ts'
import {
  createDeferredWrites,
  type DeferredWrites,
} from '../../../src/controller/workloads/deferred-writes.ts'
import { expectRejection } from '../../support/expect-error.ts'

interface Fixture {
  readonly deferred: DeferredWrites
  readonly written: string[]
  isFull: boolean
  /** How many writes are refused whatever room there is. */
  refusals: number
}

function fixture(most?: number): Fixture {
  const written: string[] = []
  const self = { written, isFull: false, refusals: 0 }
  const deferred = createDeferredWrites({
    store: {
      change: (work) => {
        if (self.isFull || self.refusals-- > 0)
          return Promise.reject(new StoreError('ERR_STORE_FULL', 'full'))
        return work(undefined as unknown as Tables)
      },
    },
    log: silentLogger,
    onSize: () => undefined,
    ...(most === undefined ? {} : { most }),
  })
  return Object.assign(self, { deferred })
}

const writing = (written: string[], what: string) => async (): Promise<void> => {
  await Promise.resolve()
  written.push(what)
}

describe('createDeferredWrites()', () => {
  it('keeps what the disk refuses, and writes it in order once it takes it', async () => {
    const disk = fixture()
    disk.isFull = true
    await disk.deferred.writeOrDefer(writing(disk.written, 'a'))
    await disk.deferred.writeOrDefer(writing(disk.written, 'b'))
    expect(disk.deferred.size).to.equal(2)
    disk.isFull = false
    await disk.deferred.writeOrDefer(writing(disk.written, 'c'))
    expect(disk.written).to.deep.equal(['a', 'b', 'c'])
    expect(disk.deferred.size).to.equal(0)
  })

  it('makes no change that something in front of it would overwrite later', async () => {
    const disk = fixture()
    disk.isFull = true
    await disk.deferred.writeOrDefer(writing(disk.written, 'a'))
    disk.refusals = 1
    disk.isFull = false
    const change = (): Promise<void> => disk.deferred.change(writing(disk.written, 'b'))
    await expectRejection(change(), StoreError, 'ERR_STORE_FULL')
    await change()
    expect(disk.written).to.deep.equal(['a', 'b'])
  })

  it('keeps no more than it may', async () => {
    const disk = fixture(1)
    disk.isFull = true
    await disk.deferred.writeOrDefer(writing(disk.written, 'a'))
    await expectRejection(
      disk.deferred.writeOrDefer(writing(disk.written, 'b')),
      StoreError,
      'ERR_STORE_FULL',
    )
  })

  it('does not let one that can never be written hold up the rest', async () => {
    const disk = fixture()
    disk.isFull = true
    await disk.deferred.writeOrDefer(() => Promise.reject(new Error('never')))
    await disk.deferred.writeOrDefer(writing(disk.written, 'b'))
    disk.isFull = false
    await disk.deferred.retry()
    expect(disk.written).to.deep.equal(['b'])
  })

  it('passes on what is not about the disk', async () => {
    const { deferred } = fixture()
    const failing = deferred.writeOrDefer(() =>
      Promise.reject(new StoreError('ERR_STORE_CONFLICT', 'twice')),
    )
    await expectRejection(failing, StoreError, 'ERR_STORE_CONFLICT')
    expect(deferred.size).to.equal(0)
  })
})
