import type { ClientDuplexStream, ServiceError } from '@grpc/grpc-js'
import type { WatchOpen } from '../../src/rpc/generated/blazon/v1/WatchOpen.ts'
import type { WatchRequest } from '../../src/rpc/generated/blazon/v1/WatchRequest.ts'
import type { WatchUpdate__Output } from '../../src/rpc/generated/blazon/v1/WatchUpdate.ts'
import { documentSchemaVersion } from '../../src/policy/index.ts'
import type { ControllerClient } from './controller-client.ts'

type Kind = NonNullable<WatchUpdate__Output['kind']>

/** A Watch stream whose messages are taken one by one. */
export interface WatchReader extends Disposable {
  /** The next message of this kind that has not been taken; fails when the stream ends before it. */
  next<K extends Kind>(kind: K): Promise<NonNullable<WatchUpdate__Output[K]>>
  send(message: WatchRequest): void
  /** The status the stream ended with. */
  readonly ended: Promise<ServiceError | undefined>
  /** Messages of this kind that came and were not taken. */
  waiting(kind: Kind): number
  pause(): void
  resume(): void
}

const deadlineMs = 5_000

/** Opens a Watch stream; without `open` nothing is sent yet. */
export function watchWith(client: ControllerClient, open?: WatchOpen | null): WatchReader {
  const stream: ClientDuplexStream<WatchRequest, WatchUpdate__Output> = client.watch()
  const received: WatchUpdate__Output[] = []
  const wakers = new Set<() => void>()
  const wake = (): void => {
    for (const waker of wakers) waker()
  }
  let hasEnded = false
  const ended = new Promise<ServiceError | undefined>((resolve) => {
    const finish = (error?: ServiceError): void => {
      hasEnded = true
      wake()
      resolve(error)
    }
    stream.on('error', finish)
    stream.on('end', finish)
  })
  stream.on('data', (update: WatchUpdate__Output) => {
    received.push(update)
    wake()
  })
  if (open !== null) {
    stream.write({
      open: {
        schemaVersion: documentSchemaVersion,
        sidecarVersion: 'test',
        capture: 'explicit',
        ...open,
      },
    })
  }

  const take = (kind: Kind): WatchUpdate__Output | undefined => {
    const at = received.findIndex((update) => update.kind === kind)
    return at === -1 ? undefined : received.splice(at, 1)[0]
  }
  const changed = (): Promise<void> => {
    const { promise, resolve, reject } = Promise.withResolvers<undefined>()
    const late = setTimeout(() => {
      reject(new Error('expected a message, none came'))
    }, deadlineMs)
    const waker = (): void => {
      resolve(undefined)
    }
    wakers.add(waker)
    return promise.finally(() => {
      clearTimeout(late)
      wakers.delete(waker)
    })
  }

  return {
    next: async (kind) => {
      for (;;) {
        const update = take(kind)
        if (update !== undefined) return update[kind] as never
        if (hasEnded) throw new Error(`expected ${kind}, the stream has ended`)
        await changed()
      }
    },
    send: (message) => {
      stream.write(message)
    },
    ended,
    waiting: (kind) => received.filter((update) => update.kind === kind).length,
    pause: () => stream.pause(),
    resume: () => stream.resume(),
    [Symbol.dispose]: () => {
      stream.cancel()
    },
  }
}
