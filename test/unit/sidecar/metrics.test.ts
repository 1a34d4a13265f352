import { expect } from 'chai'
import { addUp, countsIn, createMetrics, type Metrics } from '../../../src/sidecar/metrics.ts'

function process(connections: number): Metrics {
  const metrics = createMetrics()
  metrics.observeData({
    openConnections: () => connections,
    tunnels: () => 1,
    destinationsWith: () => 0,
    uselessStreams: () => 5,
    tunnelMemory: () => ({ heldBytes: 0, grownBytes: 0, growthRefusals: 0 }),
  })
  for (let count = 0; count < connections; count++) {
    metrics.connection('egress', 'allow', 'allowed-by-policy')
  }
  return metrics
}

const allowed =
  'blazon_connections_total{direction="egress",verdict="allow",reason="allowed-by-policy"}'

describe('metrics of several processes', () => {
  it('are sums, by label', async () => {
    const [one, two] = [process(3), process(4)]
    two.connection('ingress', 'deny', 'no-policy-matched')
    const { text } = await addUp([await one.readings(), await two.readings()]).page()
    const lines = text.split('\n')
    expect(lines).to.include.members([
      `${allowed} 7`,
      'blazon_connections_total{direction="ingress",verdict="deny",reason="no-policy-matched"} 1',
      'blazon_connections_open{direction="egress"} 7',
      'blazon_tunnels_open{side="dialled"} 2',
      'blazon_useless_streams_total 10',
    ])
    for (const metrics of [one, two]) metrics.close()
  })

  it('have one delay of the event loop, the longest', async () => {
    const name = 'blazon_event_loop_delay_seconds'
    const reading = (value: number) => [
      { name, help: '', type: 'gauge', aggregator: 'max', values: [{ value, labels: {} }] },
    ]
    const readings = [reading(0.02), reading(0.3), reading(0.1)] as unknown as Parameters<
      typeof addUp
    >[0]
    expect((await addUp(readings).page()).text).to.include(`${name} 0.3`)
    const own = createMetrics()
    const found = (await own.readings()).find((one) => one.name === name)
    expect(found?.aggregator).to.equal('max')
    own.close()
  })

  it('keep of a process that is gone only what never falls', async () => {
    const gone = process(3)
    const there = process(4)
    const past = countsIn(await gone.readings())
    expect(past).to.deep.equal(await gone.counts())
    const { text } = await addUp([past, await there.readings()]).page()
    const lines = text.split('\n')
    expect(lines).to.include.members([
      `${allowed} 7`,
      'blazon_connections_open{direction="egress"} 4',
    ])
    for (const metrics of [gone, there]) metrics.close()
  })
})
