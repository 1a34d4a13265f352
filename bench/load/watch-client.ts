import { connect, constants, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2'
import { createSecureContext, type SecureContext } from 'node:tls'
import { createBackoff } from '../../src/base/backoff.ts'
import type { HostPort } from '../../src/base/env.ts'
import { documentSchemaVersion } from '../../src/policy/index.ts'
import { meshService } from '../../src/rpc/index.ts'
import { dial, frame, prefixBytes, requestHeaders } from './grpc-session.ts'

/** One sidecar's Watch stream over a TLS connection of its own, opened again whenever it is lost. */
export interface WatchClient {
  /** Fulfils with the first snapshot. */
  open(): Promise<void>
  /** The next snapshot is told of, and no other after it. */
  expectSnapshot(): void
  /** What the stream that ended last was told, where it ended with a status. */
  readonly complaint: string | undefined
}

const openMessage = frame(
  meshService.Watch.requestSerialize({
    open: { schemaVersion: documentSchemaVersion, sidecarVersion: 'bench', capture: 'explicit' },
  }),
)
/** Tag of `WatchUpdate.snapshot`, and of `Snapshot.version`, which is written first. */
const snapshotTag = 0x0a
const versionTag = 0x08

export function createWatchClient(options: {
  readonly address: HostPort
  readonly identity: { readonly ca: string; readonly cert: string; readonly key: string | Buffer }
  readonly onSnapshot: () => void
}): WatchClient {
  // As a sidecar has it (src/sidecar/watch.ts): a fleet must not come back in step.
  const backoff = createBackoff({ firstMs: 200, longestMs: 10_000 })
  const opened = Promise.withResolvers<undefined>()
  let context: SecureContext | undefined
  let isExpecting = true
  let complaint: string | undefined

  const take = (message: Buffer, stream: ClientHttp2Stream): void => {
    backoff.reset()
    if (message[prefixBytes] !== snapshotTag) return
    stream.write(acknowledgement(versionOf(message)))
    opened.resolve(undefined)
    if (!isExpecting) return
    isExpecting = false
    options.onSnapshot()
  }
  const connectAgain = (): void => {
    setTimeout(start, backoff.next())
  }
  const start = (): void => {
    context ??= createSecureContext({ ...options.identity, minVersion: 'TLSv1.3' })
    const socket = dial(options.address, context)
    // Its end is what counts, and that comes after every error.
    socket.on('error', () => undefined)
    socket.once('close', connectAgain)
    socket.once('secureConnect', () => {
      const session = connect('https://controller', { createConnection: () => socket })
      session.on('error', () => undefined)
      follow(session)
    })
  }
  const follow = (session: ClientHttp2Session): void => {
    const stream = session.request(requestHeaders(meshService.Watch.path), { endStream: false })
    stream.on('error', () => undefined)
    stream.on('trailers', (headers) => {
      complaint = String(headers['grpc-message'])
    })
    stream.once('close', () => {
      session.destroy(undefined, constants.NGHTTP2_NO_ERROR)
    })
    const parse = messages((message) => {
      take(message, stream)
    })
    stream.on('data', parse)
    stream.write(openMessage)
  }

  return {
    open: async () => {
      start()
      await opened.promise
    },
    expectSnapshot: () => {
      isExpecting = true
    },
    get complaint() {
      return complaint
    },
  }
}

/** Puts messages together out of the pieces that they come in; each is handed on with its prefix. */
function messages(take: (message: Buffer) => void): (chunk: Buffer) => void {
  let waiting: Buffer | undefined
  return (chunk) => {
    let rest = waiting === undefined ? chunk : Buffer.concat([waiting, chunk])
    while (rest.length >= prefixBytes) {
      const length = prefixBytes + rest.readUInt32BE(1)
      if (rest.length < length) break
      take(rest.subarray(0, length))
      rest = rest.subarray(length)
    }
    waiting = rest.length === 0 ? undefined : rest
  }
}

/** The version of a snapshot, without decoding the rest: the controller's work is what is measured. */
function versionOf(message: Buffer): number {
  const [, start] = varint(message, prefixBytes + 1)
  if (message[start] !== versionTag)
    throw new Error('expected a snapshot to begin with its version')
  return varint(message, start + 1)[0]
}

function varint(bytes: Buffer, start: number): [value: number, end: number] {
  let value = 0
  let scale = 1
  let at = start
  for (;;) {
    const octet = bytes[at++] ?? 0
    value += (octet & 0x7f) * scale
    if (octet < 0x80) return [value, at]
    scale *= 0x80
  }
}

let lastAcknowledged: { readonly version: number; readonly encoded: Buffer } | undefined

/** Encoded once for all streams of this process. */
function acknowledgement(version: number): Buffer {
  if (lastAcknowledged?.version !== version) {
    const encoded = frame(meshService.Watch.requestSerialize({ acknowledge: { version } }))
    lastAcknowledged = { version, encoded }
  }
  return lastAcknowledged.encoded
}
