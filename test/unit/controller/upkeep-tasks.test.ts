import { expect } from 'chai'
import { silentLogger } from '../../../src/base/logger.ts'
import { defaultTimings } from '../../../src/controller/config.ts'
import type { Core } from '../../../src/controller/core.ts'
import { createSerialQueue } from '../../../src/controller/serial-queue.ts'
import type { CertificateKeeper } from '../../../src/controller/server/certificate-keeper.ts'
import { upkeepTasks } from '../../../src/controller/upkeep-tasks.ts'
import { createFakeClock } from '../../support/fake-clock.ts'

describe('upkeepTasks()', () => {
  const broken = (): Promise<never> => Promise.reject(new Error('broken'))

  it('raises floors that are due, whatever else fails', async () => {
    const raised: string[] = []
    const core = {
      timings: defaultTimings,
      clock: createFakeClock(0),
      log: silentLogger,
      metrics: { lagging: { set: () => undefined } },
      distributor: { lagging: () => [] },
      changes: createSerialQueue(),
      deferred: { retry: broken },
      incidents: { flush: broken },
      expiry: { look: broken },
      catchUp: { due: () => [{ workloadId: 'web', generation: 2 }] },
      standing: {
        raiseTo: (workloadId: string) => {
          raised.push(workloadId)
          return Promise.resolve()
        },
      },
    } as unknown as Core
    const keeper = { current: { renewAtMs: 0 }, renew: broken } as unknown as CertificateKeeper
    const tasks = upkeepTasks({ core, keeper, announceAuthority: () => Promise.resolve() })
    const often = tasks.filter(({ everyMs }) => everyMs === defaultTimings.tickMs)
    const outcomes = await Promise.allSettled(often.map((task) => task.run()))
    expect(outcomes.map(({ status }) => status)).to.include('rejected')
    expect(raised).to.deep.equal(['web'])
  })
})
