/** A worker of a sidecar; `blazon sidecar` starts it, and nobody else can. */
// Not by way of index.ts: a worker has no use for what talks to a controller.
import type { Order } from '../sidecar/workers/messages.ts'
import { serveWorker } from '../sidecar/workers/worker.ts'
import { setHeapFlags } from './heap-flags.ts'
import { createLogger } from './logger.ts'

const send = process.send?.bind(process)
if (send === undefined) {
  process.stderr.write('error: a worker is started by `blazon sidecar`, never by itself\n')
  process.exitCode = 1
} else {
  setHeapFlags()
  // A terminal or a supervisor signals all processes of a sidecar. The one that has started this one
  // says what is to happen, and when it is no more, neither is this.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined)
  let isRetired = false
  const end = (): void => {
    process.kill(process.pid, 'SIGKILL')
  }
  process.on('disconnect', () => {
    if (!isRetired) end()
  })
  serveWorker(
    {
      onOrder: (listener) => {
        process.on('message', (order) => {
          listener(order as Order)
        })
      },
      send: async (report) => {
        await new Promise<void>((resolve) => {
          send(report, () => {
            resolve()
          })
        })
      },
      retire: () => {
        isRetired = true
      },
      end,
    },
    (level) => createLogger({ level, name: 'sidecar' }),
  )
}
