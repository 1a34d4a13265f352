import { createServer, type Server, type Socket } from 'node:net'
import {
  datagramGatePath,
  datagramTableSeconds,
  decodeDatagramTable,
  encodeSeenDatagrams,
  linesOf,
  type DatagramTable,
} from '../base/datagram-table.ts'
import { messageOf } from '../base/errors.ts'
import { sidecarId } from '../base/sidecar-account.ts'
import { readCounted } from './counted.ts'
import { allowedSet } from './datagram-rules.ts'
import { InterceptError } from './intercept-error.ts'
import { runNft, type RunNft } from './nft.ts'
import { tableName } from './rule.ts'

export interface DatagramGateOptions {
  /** The account at the other end of a connection, by the kernel. */
  readonly peerOf: (socket: Socket) => { readonly uid: number; readonly gid: number } | undefined
  /** Told of whoever and whatever is refused. */
  readonly warn: (message: string) => void
  readonly nft?: RunNft
  readonly path?: string
}

/**
 * The gate for datagrams: the sidecar, which has no capability, tells it where they may go, and it puts
 * that into the sets of the rules. It takes tables from uid and gid 1337 of this network namespace and from
 * nobody else, each whole or not at all, and answers each with what was counted. What a table allows ends
 * with the connection that it came by, with this process, and by itself after `datagramTableSeconds`.
 *
 * Resolves once it listens; disposing of it refuses all datagrams again. `failed` rejects where they cannot be
 * refused, which then takes until the table ends.
 */
export async function openDatagramGate(
  options: DatagramGateOptions,
): Promise<AsyncDisposable & { readonly failed: Promise<never> }> {
  const { peerOf, warn, nft = runNft, path = datagramGatePath } = options
  const failed = Promise.withResolvers<never>()
  failed.promise.catch(() => undefined) // whoever holds the gate awaits it
  let current: Socket | undefined
  let turn: Promise<unknown> = Promise.resolve()
  /** One after another: nothing of an earlier sidecar comes after the table of a later one. */
  const inTurn = async <T>(work: () => Promise<T>): Promise<T> => {
    const mine = turn.then(work)
    turn = mine.catch(() => undefined)
    return await mine
  }
  const refuseAll = async (): Promise<void> => {
    await nft(['-f', '-'], tableText([]))
  }
  const accountOf = (socket: Socket): ReturnType<typeof peerOf> => {
    try {
      return peerOf(socket)
    } catch (error: unknown) {
      warn(messageOf(error))
      return undefined
    }
  }
  const serve = async (socket: Socket): Promise<void> => {
    for await (const line of linesOf(socket)) {
      const table = decodeDatagramTable(line)
      const seen = await inTurn(async () => {
        if (current !== socket) throw new Error('another connection has taken its place')
        await nft(['-f', '-'], tableText(table))
        return readCounted(await nft(['-j', 'list', 'table', 'inet', tableName]))
      })
      socket.write(`${encodeSeenDatagrams(seen)}\n`)
    }
  }
  const take = (socket: Socket): void => {
    socket.on('error', () => undefined)
    const account = accountOf(socket)
    if (account?.uid !== sidecarId || account.gid !== sidecarId) {
      warn(`refused a connection of uid ${String(account?.uid)} and gid ${String(account?.gid)}`)
      socket.destroy()
      return
    }
    current?.destroy()
    current = socket
    serve(socket)
      .catch((error: unknown) => {
        warn(`cut off a sidecar: ${messageOf(error)}`)
      })
      .finally(() => {
        socket.destroy()
        return inTurn(async () => {
          if (current !== socket) return
          current = undefined
          await refuseAll()
        })
      })
      .catch(failed.reject)
  }
  await refuseAll()
  const server = await listen(path, take)
  return {
    failed: failed.promise,
    [Symbol.asyncDispose]: async () => {
      server.close()
      current?.destroy()
      current = undefined
      await inTurn(refuseAll)
    },
  }
}

/** Holds the gate until told to end. */
export async function holdDatagramGate(
  options: DatagramGateOptions,
  signal: AbortSignal,
): Promise<void> {
  await using gate = await openDatagramGate(options)
  const ended = Promise.withResolvers<undefined>()
  const end = (): void => {
    ended.resolve(undefined)
  }
  signal.addEventListener('abort', end, { once: true })
  if (signal.aborted) end()
  await Promise.race([ended.promise, gate.failed])
}

async function listen(path: string, take: (socket: Socket) => void): Promise<Server> {
  const server = createServer(take)
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => {
      const message = 'nobody can ask for datagrams here: the name of the gate is taken'
      reject(new InterceptError('ERR_GATE', message, { cause }))
    })
    server.listen({ path }, resolve)
  })
  return server
}

/** One transaction: the sets hold this table and nothing else. */
function tableText(table: DatagramTable): string {
  const bySet = Map.groupBy(table, ({ port, first }) => allowedSet(port, first.includes(':')))
  return [0, 1]
    .flatMap((port) => [allowedSet(port, false), allowedSet(port, true)])
    .map((set) => {
      const elements = (bySet.get(set) ?? []).map(elementText).join(', ')
      const flush = `flush set inet ${tableName} ${set}\n`
      return elements === ''
        ? flush
        : `${flush}add element inet ${tableName} ${set} { ${elements} }\n`
    })
    .join('')
}

function elementText({ port, first, last }: DatagramTable[number]): string {
  const addresses = first === last ? first : `${first}-${last}`
  const key = port === 0 ? addresses : `${addresses} . ${String(port)}`
  return `${key} timeout ${String(datagramTableSeconds)}s`
}
