import type { ComparedMeasure } from '../compare.ts'
import type { BulkResult, EchoKind, EchoResult, Traffic } from '../load/traffic.ts'

/** Figures of one run, by key; `errors` have to be zero. */
export type Figures = Readonly<Record<string, number>>

/** One thing that is done through each pair of proxies in turn. */
export interface ProxyTest {
  readonly name: string
  readonly seconds: number
  run(traffic: Traffic, port: number, seconds: number): Promise<Figures>
  /** What is reported of it in the end; `cpu` is processor time of both proxies for each unit of work. */
  readonly measures: Readonly<Record<string, Omit<ComparedMeasure, 'test' | 'note'>>>
}

const rate = { metric: 'rate', unit: '1/s', better: 'more' } as const
const p50 = { metric: 'p50', unit: 'µs', better: 'less' } as const
const p99 = { metric: 'p99', unit: 'µs', better: 'less' } as const
const cpu = { metric: 'processor time', unit: 'µs each', better: 'less' } as const
const speed = { metric: 'rate', unit: 'MB/s', better: 'more' } as const
const cpuOfBulk = { metric: 'processor time', unit: 's/GB', better: 'less', factor: 0.8 } as const

function figuresOf({ perSecond, p50, p99, errors, done }: EchoResult): Figures {
  return { rate: perSecond, p50, p99, errors, work: done / 1e6 }
}

function bulkFigures({ megabytesPerSecond, bytes, errors }: BulkResult): Figures {
  return { rate: megabytesPerSecond, errors, work: bytes / 1e9 }
}

export function echoing(
  kind: EchoKind,
  name: string,
  at: number,
  measures: ProxyTest['measures'],
): ProxyTest {
  return {
    name,
    seconds: 0.6,
    run: async (traffic, port, seconds) => figuresOf(await traffic.echo(kind, port, at, seconds)),
    measures: { rate, p50, p99, cpu, ...measures },
  }
}

function connecting(at: number, measures: ProxyTest['measures']): ProxyTest {
  return echoing('connect', `connect, echo 1 KB, close; ${String(at)} at once`, at, measures)
}

function requesting(at: number, measures: ProxyTest['measures']): ProxyTest {
  const name = `echo 1 KB on kept connections; ${String(at)} at once`
  return echoing('request', name, at, measures)
}

export function bulk(kind: 'download' | 'upload', streams: number, factor: number): ProxyTest {
  return {
    name: `${kind}, ${String(streams)} ${streams === 1 ? 'stream' : 'streams'}`,
    seconds: 0.7,
    run: async (traffic, port, seconds) =>
      bulkFigures(await traffic.bulk(kind, port, streams, seconds)),
    measures: { rate: { ...speed, factor }, cpu: cpuOfBulk },
  }
}

/** A lone ping-pong while a download runs through the same proxies. */
const beside: ProxyTest = {
  name: 'echo 1 KB beside a download',
  seconds: 0.8,
  run: async (traffic, port, seconds) => {
    // The download is there before the first echo and after the last.
    const download = traffic.bulk('download', port, 1, seconds * 1.4)
    await new Promise((resolve) => setTimeout(resolve, seconds * 200))
    const pings = await traffic.echo('request', port, 1, seconds)
    const bytes = await download
    const errors = pings.errors + bytes.errors
    return { ...figuresOf(pings), bulk: bytes.megabytesPerSecond, errors }
  },
  measures: {
    p50: { ...p50, factor: 1 },
    p99: { ...p99, factor: 1 },
    bulk: { ...speed, metric: 'rate of the download' },
  },
}

export const proxyTests: readonly ProxyTest[] = [
  connecting(1, { p50: { ...p50, factor: 0.25 } }),
  connecting(32, { rate: { ...rate, factor: 4.5 } }),
  connecting(256, { rate: { ...rate, factor: 4.5 } }),
  requesting(1, { p50: { ...p50, factor: 1.1 }, p99: { ...p99, factor: 1.2 } }),
  requesting(32, { rate: { ...rate, factor: 1.3 } }),
  bulk('download', 1, 1.2),
  bulk('download', 8, 1.3),
  bulk('upload', 1, 1.2),
  bulk('upload', 8, 1.3),
  beside,
]
