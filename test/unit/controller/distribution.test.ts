import { expect } from 'chai'
import {
  encodeBundleField,
  encodeHeartbeat,
  encodeSnapshot,
} from '../../../src/controller/mesh/snapshot.ts'
import { createWatcher, type Watcher } from '../../../src/controller/mesh/watcher.ts'
import { ControllerError } from '../../../src/controller/controller-error.ts'
import type { WorkloadCaller } from '../../../src/controller/caller.ts'
import { fromWireBundle } from '../../../src/identity/index.ts'
import { meshService, snapshotCodec } from '../../../src/rpc/index.ts'
import type { WatchOpen__Output } from '../../../src/rpc/generated/blazon/v1/WatchOpen.ts'
import { createTestCa } from '../../support/test-ca.ts'
import { expectError } from '../../support/expect-error.ts'

describe('encodeSnapshot()', () => {
  const document = (name: string): Buffer =>
    snapshotCodec.encode({
      documents: [
        { kind: 'NetworkPolicy', name, namespace: '/', revision: 3, specJson: Buffer.alloc(200) },
      ],
    })

  it('puts together what the strict decoder takes apart again', () => {
    const bundle = createTestCa().bundle()
    const bytes = encodeSnapshot(7, encodeBundleField(bundle), [document('a'), document('b')])
    const { snapshot } = meshService.Watch.responseDeserialize(bytes)
    expect(snapshot?.version).to.equal(7)
    expect(snapshot?.documents.map(({ name }) => name)).to.deep.equal(['a', 'b'])
    expect(fromWireBundle(snapshot?.bundle).roots).to.deep.equal(bundle.roots)
  })

  it('writes lengths of every size', () => {
    const bundleField = encodeBundleField(createTestCa().bundle())
    for (const count of [0, 1, 100]) {
      const documents = Array.from({ length: count }, (_, at) => document(String(at)))
      const bytes = encodeSnapshot(1, bundleField, documents)
      const { snapshot } = meshService.Watch.responseDeserialize(bytes)
      expect(snapshot?.documents).to.have.length(count)
    }
  })

  it('encodes the time', () => {
    const { heartbeat } = meshService.Watch.responseDeserialize(encodeHeartbeat(1_700_000_000_000))
    expect(heartbeat?.controllerTimeMs).to.equal(1_700_000_000_000)
  })
})

describe('createWatcher()', () => {
  interface Fixture {
    readonly watcher: Watcher
    readonly sent: string[]
    version: number
    isWithheld: boolean
    block(): void
    unblock(): void
  }

  function fixture(): Fixture {
    const sent: string[] = []
    let isFast = true
    let drained: (() => void) | undefined
    const self = {
      version: 1,
      isWithheld: false,
      sent,
      block: () => {
        isFast = false
      },
      unblock: () => {
        isFast = true
        drained?.()
      },
    }
    const watcher = createWatcher({
      caller: {} as WorkloadCaller,
      open: {} as WatchOpen__Output,
      profile: undefined,
      now: () => 0,
      sink: {
        send: (message) => {
          sent.push(message.toString())
          return isFast
        },
        whenWritable: (callback) => {
          drained = callback
        },
        end: () => {
          sent.push('end')
        },
      },
      content: {
        snapshot: () => ({
          version: self.version,
          message: self.isWithheld ? undefined : Buffer.from(`snapshot ${String(self.version)}`),
          shortfall: self.isWithheld ? 'too old' : '',
        }),
        floors: () => ({ version: 1, message: Buffer.from('floors') }),
        heartbeat: () => Buffer.from('heartbeat'),
        renewNow: (reason) => Buffer.from(`renew ${reason}`),
      },
    })
    return Object.assign(self, { watcher })
  }

  it('sends floors before policy', () => {
    const { watcher, sent } = fixture()
    watcher.needSnapshot()
    watcher.needHeartbeat()
    watcher.needRenewal('x')
    watcher.needFloors()
    watcher.flush(0)
    expect(sent).to.deep.equal(['floors', 'snapshot 1', 'renew x', 'heartbeat'])
  })

  it('keeps nothing but the newest for a slow reader', () => {
    const slow = fixture()
    slow.block()
    slow.watcher.needSnapshot()
    slow.watcher.flush(0)
    for (const version of [2, 3, 4]) {
      slow.version = version
      slow.watcher.needSnapshot()
      slow.watcher.flush(0)
    }
    expect(slow.sent).to.deep.equal(['snapshot 1'])
    slow.unblock()
    expect(slow.sent).to.deep.equal(['snapshot 1', 'snapshot 4'])
    expect(slow.watcher.status.sentVersion).to.equal(4)
  })

  it('takes answers to what it sent, and to nothing else', () => {
    const { watcher } = fixture()
    watcher.needSnapshot()
    watcher.flush(5)
    expect(watcher.status.waitingSinceMs).to.equal(5)
    expectError(
      () => {
        watcher.acknowledge(2)
      },
      ControllerError,
      'ERR_ARGUMENT',
    )
    watcher.reject(1, 'no')
    expect(watcher.status).to.deep.include({ rejected: 'no', waitingSinceMs: undefined })
    watcher.acknowledge(1)
    expect(watcher.status).to.deep.include({ rejected: '', acknowledgedVersion: 1 })
    expectError(
      () => {
        watcher.acknowledge(0)
      },
      ControllerError,
      'ERR_ARGUMENT',
    )
  })

  it('sends nothing newer to a sidecar that could not enforce it, and shows why', () => {
    const one = fixture()
    const { watcher, sent } = one
    watcher.needSnapshot()
    watcher.flush(1)
    one.version = 2
    one.isWithheld = true
    watcher.needSnapshot()
    watcher.needHeartbeat()
    watcher.flush(2)
    expect(sent).to.deep.equal(['snapshot 1', 'heartbeat'])
    watcher.acknowledge(1)
    expect(watcher.status).to.include({ sentVersion: 1, rejected: 'too old', isWithheld: true })
    one.isWithheld = false
    watcher.needSnapshot()
    watcher.flush(3)
    watcher.acknowledge(2)
    expect(watcher.status).to.include({ sentVersion: 2, rejected: '', isWithheld: false })
  })

  it('ends once, and sends nothing after that', () => {
    const { watcher, sent } = fixture()
    watcher.end(new Error('x'))
    watcher.end(new Error('x'))
    watcher.needSnapshot()
    watcher.flush(0)
    expect(sent).to.deep.equal(['end'])
  })
})
