import type { AuditEntry } from '../../rpc/generated/blazon/v1/AuditEntry.ts'
import type { AuditHeadResponse } from '../../rpc/generated/blazon/v1/AuditHeadResponse.ts'
import type { ReadAuditRequest__Output } from '../../rpc/generated/blazon/v1/ReadAuditRequest.ts'
import { needAdministrator, type Caller } from '../caller.ts'
import type { AdminDeps } from './deps.ts'
import type { MessageSink } from './message-sink.ts'

/** The audit log from an entry on, up to its present end. */
export function readAudit(
  deps: AdminDeps,
  caller: Caller,
  request: ReadAuditRequest__Output,
  sink: MessageSink<AuditEntry>,
  end: (error?: unknown) => void,
): () => void {
  needAdministrator(caller, 'admin')
  const stopped = new AbortController()
  const send = async (): Promise<void> => {
    for await (const entry of deps.audit.read(Math.max(1, request.fromSequence))) {
      if (stopped.signal.aborted) return
      if (!sink.write({ ...entry })) await drained(sink, stopped.signal)
    }
  }
  send().then(
    () => {
      end()
    },
    (error: unknown) => {
      if (!stopped.signal.aborted) end(error)
    },
  )
  return () => {
    stopped.abort()
  }
}

function drained(sink: MessageSink<AuditEntry>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      signal.removeEventListener('abort', done)
      resolve()
    }
    sink.once('drain', done)
    signal.addEventListener('abort', done, { once: true })
  })
}

/** The end of the audit log, signed. */
export function readAuditHead(deps: AdminDeps, caller: Caller): AuditHeadResponse {
  needAdministrator(caller, 'viewer')
  return { ...deps.audit.head() }
}
