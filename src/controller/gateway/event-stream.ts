import type { ServerResponse } from 'node:http'
import { jsonFromMessage } from '../../rpc/index.ts'
import type { MessageSink } from '../admin/message-sink.ts'

/** Server-sent events of one call: a message each, and at last `end` or `error`. */
export interface EventStream extends MessageSink<never> {
  /** Answers the request. What was written before goes out now: a refusal can still be an answer like any other. */
  open(): void
  end(failure?: { readonly status: string; readonly message: string }): void
}

/** A comment now and then shows proxies, and us, that the other end is there. */
const keepAliveMs = 15_000

export function createEventStream(response: ServerResponse): EventStream {
  const early: string[] = []
  let isOpen = false
  let hasEnded = false
  let keepAlive: NodeJS.Timeout | undefined
  const finish = (): void => {
    clearInterval(keepAlive)
    if (isOpen && hasEnded) response.end()
  }
  const write = (text: string): boolean => {
    if (isOpen) return response.write(text)
    early.push(text)
    return true
  }
  response.once('close', () => {
    clearInterval(keepAlive)
  })
  return {
    open: () => {
      isOpen = true
      response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' })
      response.flushHeaders()
      keepAlive = setInterval(() => {
        response.write(':\n\n')
      }, keepAliveMs)
      for (const text of early.splice(0)) response.write(text)
      if (hasEnded) finish()
    },
    write: (message) => write(`data: ${jsonFromMessage(message)}\n\n`),
    once: (event, callback) => response.once(event, callback),
    end: (failure) => {
      const event = failure === undefined ? 'end' : 'error'
      write(`event: ${event}\ndata: ${jsonFromMessage(failure ?? {})}\n\n`)
      hasEnded = true
      finish()
    },
  }
}
