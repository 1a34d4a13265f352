import { status } from '@grpc/grpc-js'
import { checkStillGood, notAccepted, whyNotGood, type Caller, type Trust } from '../caller.ts'
import type { AuditLog } from '../audit/audit-log.ts'
import { requestText } from '../audit/request-text.ts'
import { ControllerError } from '../controller-error.ts'
import { statusOf } from '../server/status.ts'
import { isDiskTrouble } from '../store/store-error.ts'
import type { AdminDeps } from './deps.ts'
import type { MessageSink } from './message-sink.ts'
import { adminMethods, type StreamMethod, type UnaryMethod } from './methods.ts'

/** The one way to the handlers of the Admin service: the caller is given, checked and recorded. */
export interface AdminCalls {
  unary(name: string, caller: Caller, request: object): Promise<unknown>
  /**
   * Opens a stream. `end` is called once, when it is complete, has failed, or when its caller is not
   * accepted any more; what it fulfils with stops it before.
   */
  stream(
    name: string,
    caller: Caller,
    request: object,
    sink: MessageSink<never>,
    end: (error?: unknown) => void,
  ): Promise<() => void>
}

/** How often the caller of a stream is looked at again. */
const recheckMs = 1_000

export function createAdminCalls(deps: AdminDeps & { readonly trust: Trust }): AdminCalls {
  const { audit, trust } = deps

  /** A change may have to wait for its turn: by then its caller has to be good still. */
  const changesOf = (caller: Caller): AdminDeps['changes'] => ({
    run: (change) =>
      deps.changes.run(() => {
        checkStillGood(caller, trust)
        return change()
      }),
  })

  return {
    unary: async (name, caller, request) => {
      const method = methodOf(name, 'unary')
      checkStillGood(caller, trust)
      const own = { ...deps, changes: changesOf(caller) }
      if (caller.kind !== 'administrator') return method.run(own, caller, request as never)
      audit.checkRoom()
      // Where the disk refuses, a change fails here and not after it was made.
      if (method.isChange) await audit.writable()
      const record = recorder(audit, caller.name, name, request)
      let response: unknown
      try {
        response = await method.run(own, caller, request as never)
      } catch (error: unknown) {
        await record(error).catch(onlyDiskTrouble)
        throw error
      }
      await record().catch(method.isChange ? unrecorded : onlyDiskTrouble)
      return response
    },

    stream: async (name, caller, request, sink, end) => {
      const method = methodOf(name, 'stream')
      checkStillGood(caller, trust)
      if (caller.kind === 'administrator') audit.checkRoom()
      const record =
        caller.kind === 'administrator'
          ? recorder(audit, caller.name, name, request)
          : () => Promise.resolve()
      const guarded = guard(caller, trust, end)
      try {
        const { end: finish } = guarded
        const stop = method.open(deps, caller, request as never, sink, finish)
        guarded.opened(stop)
      } catch (error: unknown) {
        guarded.stop()
        await record(error).catch(onlyDiskTrouble)
        throw error
      }
      await record().catch(onlyDiskTrouble)
      return guarded.stop
    },
  }
}

function methodOf(name: string, kind: 'unary'): UnaryMethod
function methodOf(name: string, kind: 'stream'): StreamMethod
function methodOf(name: string, kind: 'unary' | 'stream'): UnaryMethod | StreamMethod {
  const method = Object.hasOwn(adminMethods, name) ? adminMethods[name] : undefined
  if (method?.kind === kind) return method
  throw new Error(`BUG: no ${kind} method ${name}`)
}

function recorder(
  audit: AuditLog,
  caller: string,
  name: string,
  request: object,
): (error?: unknown) => Promise<void> {
  // Taken down before the handler has had it.
  const requestJson = requestText(request)
  return (error) => {
    const outcome = error === undefined ? 'OK' : status[statusOf(error).code]
    return audit.append({ caller, method: `Admin.${name}`, requestJson, outcome })
  }
}

/** Reads go on while the disk refuses: their entries wait, and are written once it does not. */
function onlyDiskTrouble(error: unknown): void {
  if (!isDiskTrouble(error)) throw error
}

function unrecorded(cause: unknown): never {
  throw new ControllerError(
    'ERR_UNAVAILABLE',
    'the change was made, but its entry in the audit log could not be written: see the disk of the controller',
    { cause },
  )
}

/** Looks at the caller of a stream again and again, and makes sure that it ends only once. */
function guard(
  caller: Caller,
  trust: Trust,
  end: (error?: unknown) => void,
): {
  readonly end: (error?: unknown) => void
  readonly opened: (stop: () => void) => void
  readonly stop: () => void
} {
  let stopHandler: (() => void) | undefined
  let isOver = false
  const stop = (): void => {
    isOver = true
    clearInterval(recheck)
    stopHandler?.()
    stopHandler = undefined
  }
  const finish = (error?: unknown): void => {
    if (isOver) return
    stop()
    end(error)
  }
  const recheck = setInterval(() => {
    const reason = whyNotGood(caller, trust)
    if (reason !== undefined) finish(notAccepted(caller, reason))
  }, recheckMs)
  return {
    end: finish,
    opened: (stopIt) => {
      if (isOver) stopIt()
      else stopHandler = stopIt
    },
    stop,
  }
}
