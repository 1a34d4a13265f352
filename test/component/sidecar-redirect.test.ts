import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { expect } from 'chai'
import type { HostPort } from '../../src/base/env.ts'
import { silentLogger } from '../../src/base/logger.ts'
import type { CapturedConnection } from '../../src/sidecar/capture.ts'
import { captureRedirected } from '../../src/sidecar/capture-redirect.ts'
import { openRedirectedDoor, type Arrival } from '../../src/sidecar/ingress-door.ts'
import { openKernel, type Kernel } from '../../src/sidecar/kernel.ts'
import { SidecarError } from '../../src/sidecar/sidecar-error.ts'

const destination = { host: '10.0.0.2', port: 5432 }
// Port 0: each family gets a port of its own.
const config = { kind: 'redirect', egressPort: 0, ingressPort: 0, dnsPort: 0 } as const

/** A kernel that says what it is told to. */
function kernelThat(says: {
  readonly destination?: HostPort | undefined
  readonly owner?: number | undefined
}): Kernel {
  return {
    destinationOf: () => says.destination,
    ownerOf: () => says.owner,
    [Symbol.dispose]: () => undefined,
  }
}

async function outcomeOf(to: HostPort): Promise<string> {
  const socket: Socket = connect(to)
  socket.resume()
  try {
    await once(socket, 'close')
    return 'closed'
  } catch (error: unknown) {
    return (error as NodeJS.ErrnoException).code ?? 'failed'
  }
}

async function captured(kernel: Kernel, workloadUid?: number): Promise<CapturedConnection[]> {
  const seen: CapturedConnection[] = []
  const source = await captureRedirected({
    config: { ...config, workloadUid },
    kernel,
    log: silentLogger,
    onConnection: (connection) => {
      seen.push(connection)
      connection.socket.destroy()
    },
  })
  for (const address of source.addresses) await outcomeOf(address)
  await source.stop()
  expect(source.addresses.map(({ host }) => host)).to.deep.equal(['127.0.0.1', '::1'])
  return seen
}

describe('capture by redirection', () => {
  it('hands over where a connection was going', async () => {
    const seen = await captured(kernelThat({ destination }))
    expect(seen.map(({ originalDestination }) => originalDestination)).to.deep.equal([
      destination,
      destination,
    ])
    for (const { socket, refusal } of seen) {
      expect(refusal).to.equal(undefined)
      expect(socket.isPaused()).to.be.true
    }
  })

  it('refuses a connection that nobody redirected: its destination would be the sidecar itself', async () => {
    const seen = await captured(kernelThat({}))
    expect(seen.map(({ refusal }) => refusal)).to.deep.equal(['no-tunnel', 'no-tunnel'])
    expect(seen[0]?.originalDestination.host).to.equal('127.0.0.1')
  })

  for (const host of ['127.0.0.1', '::1', '169.254.169.254', 'fe80::1', '0.0.0.0', '224.0.0.1']) {
    it(`refuses a connection to ${host}`, async () => {
      const [first] = await captured(kernelThat({ destination: { host, port: 80 } }))
      expect(first?.refusal).to.equal('no-tunnel')
    })
  }

  it('refuses a socket of another user than the workload, and one whose owner is gone', async () => {
    const refusals = async (owner: number | undefined): Promise<unknown[]> =>
      (await captured(kernelThat({ destination, owner }), 1_000)).map(({ refusal }) => refusal)
    expect(await refusals(1_000)).to.deep.equal([undefined, undefined])
    for (const owner of [0, 1_001, undefined]) {
      expect(await refusals(owner)).to.deep.equal(['not-the-workload', 'not-the-workload'])
    }
  })

  it('resets a connection that the kernel fails to explain, and goes on', async () => {
    const kernel = kernelThat({ destination })
    const failing = {
      ...kernel,
      destinationOf: () => {
        throw new Error('EBADF')
      },
    }
    expect(await captured(failing)).to.deep.equal([])
  })

  it('refuses to run as a user whose own connections would be captured', async () => {
    const failure: unknown = await openKernel().catch((error: unknown) => error)
    expect(failure).to.be.instanceOf(SidecarError).with.property('code', 'ERR_CAPTURE')
  })
})

describe('the door for redirected connections', () => {
  const wanted = [
    { listen: destination, application: { host: '127.0.0.1', port: 5433 } },
    { listen: { host: '0.0.0.0', port: 6379 }, application: { host: '127.0.0.1', port: 6380 } },
  ]

  async function arrivals(said: HostPort | undefined): Promise<Arrival[]> {
    const seen: Arrival[] = []
    const door = await openRedirectedDoor({
      config: { ...config, egressPort: 15_001, workloadUid: undefined },
      kernel: kernelThat({ destination: said }),
      wanted,
      log: silentLogger,
      onArrival: (arrival) => {
        seen.push(arrival)
        arrival.socket.destroy()
      },
    })
    for (const { port } of door.listeners.addresses.slice(0, 1)) {
      const outcome = await outcomeOf({ host: '127.0.0.1', port })
      if (seen.length === 0) expect(outcome).to.equal('ECONNRESET')
    }
    await door.listeners.stop()
    return seen
  }

  const behind: readonly (readonly [HostPort, HostPort])[] = [
    [destination, { host: '127.0.0.1', port: 5433 }],
    [
      { host: '10.0.0.2', port: 6379 },
      { host: '127.0.0.1', port: 6380 },
    ],
    [
      { host: '10.0.0.3', port: 5432 },
      { host: '10.0.0.3', port: 5432 },
    ],
    [
      { host: 'fd77::2', port: 8080 },
      { host: 'fd77::2', port: 8080 },
    ],
  ]
  for (const [pair, application] of behind) {
    it(`finds what is behind ${pair.host} port ${String(pair.port)}`, async () => {
      const [arrival] = await arrivals(pair)
      expect(arrival?.served).to.deep.equal({ local: pair, application })
      expect(arrival?.redirectedFrom).to.deep.equal(pair)
    })
  }

  const closed: Readonly<Record<string, HostPort | undefined>> = {
    'one that nobody redirected': undefined,
    'one to the sidecar itself': { host: '10.0.0.2', port: 15_001 },
    'one to loopback': { host: '127.0.0.1', port: 5432 },
    'one to a link-local address': { host: 'fe80::1', port: 5432 },
  }
  for (const [name, pair] of Object.entries(closed)) {
    it(`closes ${name}`, async () => {
      expect(await arrivals(pair)).to.deep.equal([])
    })
  }
})
