import { expect } from 'chai'
import { startDocker, succeed, type Docker, type Outcome } from '../support/docker.ts'
import { whyNoNetwork } from '../support/network.ts'
import { eventually } from '../support/poll.ts'

const reason = whyNoNetwork()
const suite = reason === undefined ? describe : describe.skip

suite(`containers of docker/${reason === undefined ? '' : ` (${reason})`}`, function () {
  this.timeout(300_000)

  let engine: Docker
  before(async () => {
    engine = await startDocker()
    const up = await engine.compose('up', '--detach')
    if (up.code === 0) return
    throw new Error(up.stderr + (await engine.compose('logs', '--tail', '9')).stdout)
  })
  after(async () => {
    await engine[Symbol.asyncDispose]()
  })

  const ask = (service: string, ...words: string[]): Promise<Outcome> =>
    engine.compose('exec', '-T', service, 'redis-cli', ...words)
  const pong = async (): Promise<boolean> =>
    (await ask('api', '-h', 'orders-db', 'ping')).stdout.trim() === 'PONG'

  it('let a program reach the one that policy allows, by the name it has always had', async () => {
    expect(await pong()).to.be.true
  })

  it('refuse who has no sidecar, and the way back', async () => {
    const stranger = await engine.docker(
      ...['run', '--rm', '--network', 'test_default', 'blazon-test-base'],
      ...['redis-cli', '-h', 'orders-db', 'ping'],
    )
    expect(stranger.stdout).to.not.contain('PONG')
    expect(stranger.stderr + stranger.stdout).to.match(/closed|reset|refused/i)
    const back = await ask('orders-db', '-h', 'api', 'ping')
    expect(back.stderr + back.stdout).to.match(/closed|reset|refused/i)
  })

  it('run sidecars as 1337 without any capability', async () => {
    for (const sidecar of ['api-sidecar', 'orders-db-sidecar']) {
      const status = await succeed(engine.compose('exec', '-T', sidecar, 'cat', '/proc/1/status'))
      expect(status).to.match(/^Uid:\s+1337\s+1337\s+1337\s+1337$/m)
      for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb']) {
        expect(status).to.match(new RegExp(`^${set}:\\s+0000000000000000$`, 'm'))
      }
    }
  })

  it('are never reached without a sidecar, and again with it', async () => {
    await succeed(engine.compose('stop', 'api-sidecar'))
    expect((await ask('api', '-h', 'orders-db', 'ping')).stderr).to.match(/refused/i)
    await succeed(engine.compose('start', 'api-sidecar'))
    await eventually('the sidecar', pong, 60_000)
  })

  it('keep a workload captured that is replaced by another container', async () => {
    await succeed(
      engine.compose('up', '--detach', '--no-deps', '--force-recreate', '--timeout', '1', 'api'),
    )
    expect(await pong()).to.be.true
    await succeed(engine.compose('stop', 'api-sidecar'))
    expect((await ask('api', '-h', 'orders-db', 'ping')).stderr).to.match(/refused/i)
  })

  it('end when they are told to, well before they would be killed', async () => {
    const startedAt = performance.now()
    await succeed(engine.compose('stop', '--timeout', '60', 'api-network', 'controller'))
    expect(performance.now() - startedAt).to.be.lessThan(30_000)
  })
})
